"""The end of a deployment: what is open is canceled, what is held is closed if that was asked.

Whoever looks does what is due by the rows: nothing is given up because one attempt came to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.db.models import F, Q, Sum
from django.utils import timezone

from brokers.choices import AccountState, AssetType
from brokers.deployments.asking import orders_refresh
from brokers.deployments.attempts import Attempts
from brokers.deployments.batches import FAULTS, deployments_lock
from brokers.deployments.booking import fills_book
from brokers.deployments.choices import DeploymentState
from brokers.deployments.gathering import Dossier, dossiers_complete, dossiers_read
from brokers.deployments.naming import Purpose
from brokers.deployments.option_stopping import (
    LIQUIDATION_LEG,
    attempts_apart_s,
    legs_broken,
    legs_left,
    legs_liquidate,
)
from brokers.deployments.placing import Desk, drafts_create
from brokers.deployments.reading import plan_of
from brokers.deployments.telling import state_tell
from brokers.deployments.transitions import deployment_move
from brokers.deployments.wanted import LegHeld, Role, Wanted
from brokers.deployments.withdrawing import GUARDS, OpenOrders
from brokers.models import BookEntry, Deployment, Order
from brokers.silence import askable
from core.engine.program import OrderKind
from core.transactions import Overtaken, atomic
from market.bar_times import ts_of
from market.calendars import NS_PER_DAY, opens_at

log = structlog.get_logger(__name__)

# What is not over by then is told, and a cancel that was refused is asked for again.
HANGS_AFTER: Final = timedelta(minutes=1)
ASK_AGAIN_AFTER: Final = timedelta(seconds=10)
HALTED: Final = (
    "Its account is halted: what it holds is closed when it is resumed. What guards it stays where "
    "it lies; stop it without closing to go on holding."
)


def position_of(deployment: Deployment) -> Decimal:
    """Return the units that a deployment holds, options left out: the sum of its book, signed."""
    units = BookEntry.objects.filter(deployment=deployment, symbol="").aggregate(
        sum=Sum(F("side") * F("quantity"))
    )["sum"]
    return units or Decimal(0)


def deployment_finish(*, deployment_id: UUID) -> None:
    """Go on with a stop: liquidate once nothing is open, be stopped once nothing is left.

    What keeps it from that is told in `state_reason`, and keeps no other deployment.
    """
    found = Deployment.objects.select_related("account").get(id=deployment_id)
    if found.state != DeploymentState.STOPPING:
        return
    with askable({found.account.kind}) as asked:
        if not asked:
            return
        orders_refresh([found.id])
        try:
            _finish(found.id)
        except Overtaken as error:  # whoever looks next goes on
            log.warning("deployment.overtaken", deployment_id=str(found.id), error=repr(error))
        except FAULTS as error:
            log.exception("deployment.not_stopped", deployment_id=str(found.id))
            _tell(found, f"It cannot be stopped: {error}")


@atomic
def _finish(deployment_id: UUID) -> None:
    (deployment,) = deployments_lock([deployment_id])
    if deployment.state != DeploymentState.STOPPING:
        return
    (dossier,) = dossiers_read([deployment], now=timezone.now())
    dossiers_complete([dossier])
    BookEntry.objects.bulk_create(fills_book(dossier, closed=dossier.closed))
    if dossier.orders:
        _wait(deployment, dossier.orders)
        return
    held, legs = (
        position_of(deployment),
        legs_left(dossier.book.rows, day=dossier.bar_ts // NS_PER_DAY),
    )
    # What could be had only in part does not stay, whatever becomes of the rest.
    rules = plan_of(deployment).program.option_rules if legs else ()
    broken = legs_broken(dossier.book.rows, rules) if legs else set()
    closing = [leg for leg in legs if deployment.liquidate or (leg.rule, leg.position_ts) in broken]
    if closing or (held and deployment.liquidate):
        _close(dossier, held if deployment.liquidate else Decimal(0), closing)
        return
    deployment_move(
        deployment,
        new=DeploymentState.STOPPED,
        reason=_left(deployment, held, legs),
        stopped_at=timezone.now(),
    )


def orders_withdraw(deployment: Deployment, orders: Iterable[Order] | None = None) -> OpenOrders:
    """Take back what a deployment that stops has open, but for what closes its position.

    While nothing can be sent in their place guards of what is to be closed stay where they lie.
    """
    found = OpenOrders(deployment, orders)
    closing = deployment.liquidate
    guarded = closing and deployment.account.state == AccountState.HALTED
    ago = timezone.now() - ASK_AGAIN_AFTER
    for purpose, order in found.open_orders():
        stays = (guarded and purpose.role in GUARDS) or (closing and _closes(purpose, order))
        refused = bool(order.reason_code)  # a cancel that failed leaves its reason
        if not stays and (not refused or order.updated_at < ago):
            found.cancel(order)
    return found


def _closes(purpose: Purpose, order: Order) -> bool:
    """Tell whether an order is one of a liquidation."""
    return purpose.role == Role.LIQUIDATION or (
        purpose.role == Role.EXIT and order.leg >= LIQUIDATION_LEG
    )


def _wait(deployment: Deployment, orders: Sequence[Order]) -> None:
    """See to it that what is open comes to its end, and tell what does not."""
    open_now = orders_withdraw(deployment, orders).open_orders()
    if deployment.liquidate and deployment.account.state == AccountState.HALTED:
        _tell(deployment, HALTED)
    elif open_now and deployment.updated_at < timezone.now() - HANGS_AFTER:
        waits = "; ".join(str(order) for _, order in open_now)
        _tell(deployment, f"It waits for the end of: {waits}.")


def _close(dossier: Dossier, held: Decimal, legs: Sequence[LegHeld]) -> None:
    """Close what is held, once more where that came to nothing before."""
    deployment, now = dossier.deployment, timezone.now()
    if deployment.account.state == AccountState.HALTED:
        _tell(deployment, HALTED)
        return
    desk = Desk(
        deployment, plan_of(deployment).program, dossier.stored.instrument, dossier.orders, now=now
    )
    if not desk.can_send():
        opens = f"{opens_at(desk.instrument, now):%Y-%m-%d %H:%M} UTC"
        _tell(deployment, f"Its market is closed: what it holds is closed from {opens} on.")
        return
    refused = _liquidate(desk, held) if held else ""
    refused = legs_liquidate(desk, legs, now=now) or refused
    if refused:
        _tell(deployment, f"It is tried again: {refused}")
    drafts_create([desk])


def _left(deployment: Deployment, held: Decimal, legs: Iterable[LegHeld]) -> str:
    """Return what a deployment that stops goes on holding, in words."""
    parts = [f"{held.normalize():f} {deployment.symbol}"] if held else []
    parts += [f"{leg.quantity:g} {leg.symbol}" for leg in legs]
    return f"It holds {', '.join(parts)}." if parts else ""


@atomic
def _tell(deployment: Deployment, reason: str) -> None:
    """Tell, when it is a new one, what keeps a deployment from being stopped."""
    rows = Deployment.objects.filter(id=deployment.id, state=DeploymentState.STOPPING)
    told = {"state_reason": reason[:300], "updated_at": timezone.now()}
    if rows.exclude(state_reason=told["state_reason"]).update(**told):
        deployment.refresh_from_db()
        state_tell(deployment)


def _liquidate(desk: Desk, held: Decimal) -> str:
    """Sell what is held, and return why what was tried before came to nothing.

    Each attempt is an order of its own, made when it is time for it.
    """
    deployment = desk.deployment
    decided = deployment.last_bar_ts or deployment.created_at
    before = Order.objects.filter(
        ~Q(asset_type=AssetType.OPTION),
        deployment_id=deployment.id,
        bar_ts=decided,
        leg__gte=LIQUIDATION_LEG,
    )
    attempts = Attempts.of(before, bar_s=attempts_apart_s(deployment))
    if attempts.failed and not desk.can_trade():
        return attempts.reason
    if attempts.wait(desk.instrument, desk.now):
        return attempts.reason
    wanted = Wanted(
        role=Role.EXIT,
        rule=0,
        side=-1 if held > 0 else 1,
        opens=False,
        kind=OrderKind.MARKET,
        quantity=float(abs(held)),
        decided_ts=ts_of(decided),
    )
    desk.place(wanted, bar_ts=ts_of(decided), leg=attempts.leg(LIQUIDATION_LEG))
    return attempts.reason
