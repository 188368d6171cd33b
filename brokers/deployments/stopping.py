"""The end of a deployment: what is open is canceled, what is held is closed if that was asked."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Q, Sum
from django.utils import timezone

from brokers.choices import AssetType
from brokers.deployments.asking import orders_refresh
from brokers.deployments.batches import deployments_lock
from brokers.deployments.booking import fills_book
from brokers.deployments.choices import DeploymentState
from brokers.deployments.gathering import dossiers_complete, dossiers_read
from brokers.deployments.option_stopping import (
    LIQUIDATION_LEG,
    legs_broken,
    legs_left,
    legs_liquidate,
)
from brokers.deployments.placing import Desk, drafts_create
from brokers.deployments.reading import plan_of
from brokers.deployments.timing import ts_of
from brokers.deployments.transitions import deployment_move
from brokers.deployments.wanted import LegHeld, Role, Wanted
from brokers.models import BookEntry, Deployment, Order
from brokers.silence import askable
from core.engine.program import OrderKind
from core.transactions import atomic
from market.calendars import NS_PER_DAY


def position_of(deployment: Deployment) -> Decimal:
    """Return the units that a deployment holds, options left out: the sum of its book, signed."""
    units = BookEntry.objects.filter(deployment=deployment, symbol="").aggregate(
        sum=Sum(F("side") * F("quantity"))
    )["sum"]
    return units or Decimal(0)


def deployment_finish(*, deployment_id: UUID) -> None:
    """Go on with a stop: liquidate once nothing is open, be stopped once nothing is left."""
    found = Deployment.objects.select_related("account").get(id=deployment_id)
    if found.state != DeploymentState.STOPPING:
        return
    with askable({found.account.kind}) as asked:
        if asked:
            orders_refresh([found.id])
            _finish(found.id)


@atomic
def _finish(deployment_id: UUID) -> None:
    (deployment,) = deployments_lock([deployment_id])
    if deployment.state != DeploymentState.STOPPING:
        return
    (dossier,) = dossiers_read([deployment], now=timezone.now())
    dossiers_complete([dossier])
    BookEntry.objects.bulk_create(fills_book(dossier, closed=dossier.closed))
    if dossier.orders:
        return
    held, legs = (
        position_of(deployment),
        legs_left(dossier.book.rows, day=dossier.bar_ts // NS_PER_DAY),
    )
    # What could be had only in part does not stay, whatever becomes of the rest.
    rules = plan_of(deployment).program.option_rules if legs else ()
    broken = legs_broken(dossier.book.rows, rules) if legs else set()
    closing = [leg for leg in legs if deployment.liquidate or (leg.rule, leg.position_ts) in broken]
    if not closing and (not held or not deployment.liquidate):
        deployment_move(
            deployment,
            new=DeploymentState.STOPPED,
            reason=_left(deployment, held, legs),
            stopped_at=timezone.now(),
        )
        return
    program, instrument = plan_of(deployment).program, dossier.stored.instrument
    desk = Desk(deployment, program, instrument, dossier.orders)
    if held and deployment.liquidate:
        _liquidate(desk, held)
    _tell(deployment, legs_liquidate(desk, closing, now=timezone.now()))
    drafts_create([desk])


def _left(deployment: Deployment, held: Decimal, legs: Iterable[LegHeld]) -> str:
    """Return what a deployment that stops goes on holding, in words."""
    parts = [f"{held.normalize():f} {deployment.symbol}"] if held else []
    parts += [f"{leg.quantity:g} {leg.symbol}" for leg in legs]
    return f"It holds {', '.join(parts)}." if parts else ""


def _tell(deployment: Deployment, reason: str) -> None:
    if reason and deployment.state_reason != reason:
        Deployment.objects.filter(id=deployment.id).update(state_reason=reason[:300])


def _liquidate(desk: Desk, held: Decimal) -> None:
    """Sell what is held; where an earlier attempt came to nothing, with another order."""
    deployment = desk.deployment
    decided = deployment.last_bar_ts or deployment.created_at
    before = Order.objects.filter(
        ~Q(asset_type=AssetType.OPTION),
        deployment_id=deployment.id,
        bar_ts=decided,
        leg__gte=LIQUIDATION_LEG,
    ).order_by("-leg")
    last = before.first()
    if last is not None and not last.filled_quantity:
        _tell(deployment, last.reason)
        return  # It was refused: its owner decides, a second one would be refused as well.
    wanted = Wanted(
        role=Role.EXIT,
        rule=0,
        side=-1 if held > 0 else 1,
        opens=False,
        kind=OrderKind.MARKET,
        quantity=float(abs(held)),
        decided_ts=ts_of(decided),
    )
    leg = LIQUIDATION_LEG if last is None else last.leg + 1
    desk.place(wanted, bar_ts=ts_of(decided), leg=leg)
