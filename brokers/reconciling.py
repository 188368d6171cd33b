"""Comparing what we believe of an account with what its broker says, and taking over what is new.

It runs under the sender's lease, so that nothing is under way while the two are compared: before
the first order of a sender whose predecessor died, after an account was connected, and every
minute. What the broker has and we do not is taken over: late fills, and orders that somebody else
sent (`external`). Where the positions still differ then, the account is halted and its owner told.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from brokers.absent import absent_doubt, absent_end, absent_for_good
from brokers.access import access_of, ref_of
from brokers.adapters.base import (
    Access,
    Adapter,
    OutcomeUnknown,
    Refused,
    VenueOrder,
    VenuePosition,
)
from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_ended, replacement_settle, unwanted_withdraw
from brokers.charging import commissions_take
from brokers.choices import FINAL_STATUSES, WORKING_STATUSES, AccountState, OrderStatus
from brokers.external import adoptions, external_ended, external_record, position_adopt
from brokers.frames import account_tell, mismatch_tell
from brokers.fungible import positions_named
from brokers.lease import Lease, lease_claim, leases_release
from brokers.models import BrokerAccount, Order, Position
from brokers.queueing import lease_hand_over
from brokers.recording import venue_order_record
from brokers.risk.losses import account_profit, losses_restart
from brokers.settling import contracts_settle
from core.errors import Permanent
from core.transactions import atomic

log = structlog.get_logger(__name__)

# A fill may come between two of the questions: what differs counts when so many looks agree on it.
LOOKS = 3
# While they do not, it is looked again, up to so often.
LOOKS_MOST = 3 * LOOKS
LOOK_AGAIN_S = 0.2
ZERO = Decimal(0)
# What moves while it is found out how contracts ended is compared again, so often.
SETTLED_MOST = 3
# Of a coin: what commissions may have taken out of it. More than was traded may always lie there.
WALLET_TOLERANCE = Decimal("0.005")
# Perhaps at the broker, where nothing here says so yet.
FLYING = (OrderStatus.SUBMITTING, OrderStatus.UNKNOWN)
ENDED_WITHIN = timedelta(minutes=10)


def account_reconcile(*, account_id: UUID, adopt: bool = False) -> bool | None:
    """Reconcile an account; None while its sender is at work, False where it could not be done.

    With `adopt` the broker's positions are taken over where they differ.
    """
    lease = lease_claim(account_id)
    if lease is None:
        return None
    orders_bury(Order.objects.filter(account_id=account_id))
    done = reconcile(lease, adopt=adopt)
    if done:
        lease_hand_over(lease)
    else:
        leases_release([lease], clean=False)
    return done


def orders_bury(rows: QuerySet[Order]) -> None:
    """Make what dead senders were sending unknown: all of `rows` that is being sent."""
    for order_id in rows.filter(status=OrderStatus.SUBMITTING).values_list("id", flat=True):
        order_ended(
            order_id=order_id,
            old=OrderStatus.SUBMITTING,
            new=OrderStatus.UNKNOWN,
            code="sender_died",
            reason="The sender died before the broker answered.",
        )


def reconcile(lease: Lease, *, adopt: bool = False) -> bool:
    """Take over what the broker says; False where it does not say, and nothing may be sent."""
    account = BrokerAccount.objects.get(id=lease.account_id)
    adapter = ADAPTERS.get(account.kind)
    # What was held before it was connected is the account's.
    first = account.reconciled_at is None
    adopt |= first and not adapter.capabilities.wallet
    forgotten = account_profit(account) - account.profit_before if first else ZERO
    try:
        access = access_of(account)
        differences = _compare(account, adapter, access, adopt=adopt)
        commissions_take(account, adapter, access)
        # What is sent from now on may or may not be in what the broker says.
        asked_at = timezone.now()
        balance = adapter.balance(access)
    except (OutcomeUnknown, Refused, Permanent) as error:
        log.warning("account.not_reconciled", account_id=str(account.id), error=str(error))
        return False
    changes: dict[str, Any] = {"reconciled_at": asked_at, "mismatch": differences}
    if adapter.capabilities.remote:
        changes["buying_power"] = balance.buying_power
        if first:
            changes |= {"initial_cash": balance.equity, "currency": balance.currency[:3]}
            changes["profit_before"] = account_profit(account)
    BrokerAccount.objects.filter(id=account.id).update(**changes)
    if first and adapter.capabilities.remote:
        losses_restart(account, forgotten=forgotten)
    if differences:
        mismatch_tell(account_id=account.id)
        account_halt(
            account_id=account.id,
            code="mismatch",
            reason="; ".join(
                f"{row['symbol']}: we have {row['ours']}, the broker {row['theirs']}"
                for row in differences
            ),
        )
    return True


@atomic
def account_halt(*, account_id: UUID, code: str, reason: str) -> None:
    """Stop everything but cancels on an account, and tell its owner once."""
    rows = BrokerAccount.objects.filter(id=account_id).exclude(state=AccountState.HALTED)
    if rows.update(state=AccountState.HALTED, state_reason=f"{code}: {reason}"[:300]):
        account_tell(account_id=account_id)


def _compare(
    account: BrokerAccount, adapter: Adapter, access: Access, *, adopt: bool
) -> list[dict[str, str]]:
    """Return which positions differ once it is taken over how contracts ended.

    With `adopt` all else is taken over as well.
    """
    before = adoptions(account)
    rows = _differences(account, adapter, access)
    differing = {row["symbol"] for row in rows}
    if rows and external_ended(account=account, adapter=adapter, access=access, symbols=differing):
        rows = _differences(account, adapter, access)
    waiting: set[str] = set()
    for _ in range(SETTLED_MOST):
        waiting = _settle(account, rows) if rows else set()
        if not _moved(account, rows):
            break
        rows = _differences(account, adapter, access)
    left = [row for row in rows if row["symbol"] not in waiting]
    if adopt and left:
        _adopt(account, left, _held(account, adapter, access), before)
        rows = _differences(account, adapter, access)
    return [row for row in rows if row["symbol"] not in waiting]


def _differences(account: BrokerAccount, adapter: Adapter, access: Access) -> list[dict[str, str]]:
    """Take over orders and fills, then return the positions that differ, and stay so.

    Raises
    ------
    OutcomeUnknown
        When that changes with each look.
    """
    rows = _look(account, adapter, access)
    agree = 1
    for _ in range(LOOKS_MOST - 1):
        if not rows or agree == LOOKS:
            break
        time.sleep(LOOK_AGAIN_S if adapter.capabilities.remote else 0.0)
        before, rows = rows, _look(account, adapter, access)
        agree = agree + 1 if rows == before else 1
    if rows and agree < LOOKS:
        raise OutcomeUnknown("What the account holds changes whenever it is looked at.")
    return rows


def _look(account: BrokerAccount, adapter: Adapter, access: Access) -> list[dict[str, str]]:
    """Take over orders and fills, then return the positions that differ."""
    unsure, absent = _orders_take(account, adapter, access)
    theirs = {row.symbol: row.quantity for row in _held(account, adapter, access)}
    ours = dict(Position.objects.filter(account=account).values_list("symbol", "quantity"))
    # At first what lies there is the account's; what comes later, and was not traded, is not.
    can, first = adapter.capabilities, account.reconciled_at is None
    wallet = {
        symbol
        for symbol in ours.keys() | theirs.keys()
        if can.in_wallet(symbol) and (can.wallet or not first)
    }
    compared = ours.keys() | (theirs.keys() - wallet)
    rows = [
        {
            "symbol": symbol,
            "ours": f"{ours.get(symbol, ZERO).normalize():f}",
            "theirs": f"{theirs.get(symbol, ZERO).normalize():f}",
        }
        for symbol in sorted(compared - unsure)
        if _differ(ours.get(symbol, ZERO), theirs.get(symbol, ZERO), wallet=symbol in wallet)
    ]
    differing = {row["symbol"] for row in rows}
    absent_end(order for order in absent if order.symbol not in unsure | differing)
    return rows


def _held(account: BrokerAccount, adapter: Adapter, access: Access) -> Sequence[VenuePosition]:
    """Return what the broker says is held, under the names of our positions."""
    held, alike = adapter.positions(access), adapter.capabilities.alike
    if alike is None:
        return held
    ours = Position.objects.filter(account=account).exclude(quantity=0)
    return positions_named(held, dict(ours.values_list("symbol", "quantity")), alike)


def _settle(account: BrokerAccount, rows: Sequence[dict[str, str]]) -> set[str]:
    """Write down which contracts have ended; return the symbols whose difference is waited for."""
    ours, theirs = (
        {row["symbol"]: Decimal(row[name]) for row in rows} for name in ("ours", "theirs")
    )
    return contracts_settle(account, ours=ours, theirs=theirs)


def _moved(account: BrokerAccount, rows: Sequence[dict[str, str]]) -> bool:
    """Tell whether positions are others than those that were compared."""
    now = dict(Position.objects.filter(account=account).values_list("symbol", "quantity"))
    return any(now.get(row["symbol"], ZERO) != Decimal(row["ours"]) for row in rows)


def _differ(ours: Decimal, theirs: Decimal, *, wallet: bool) -> bool:
    if wallet:
        return ours - theirs > WALLET_TOLERANCE * abs(ours)
    return ours != theirs


def _orders_take(
    account: BrokerAccount, adapter: Adapter, access: Access
) -> tuple[set[str], list[Order]]:
    """Take over what became of our orders, and others' orders.

    Returns symbols still unknown, and orders that are over if the positions of theirs agree.
    """
    unsure: set[str] = set()
    recent = timezone.now() - ENDED_WITHIN
    rows = Order.objects.filter(account=account).select_related("account")
    looked_at, found, missing = set(), [], []
    for order in rows.filter(status__in=[*WORKING_STATUSES, OrderStatus.UNKNOWN]).union(
        rows.filter(finished_at__gt=recent).exclude(
            status__in=[OrderStatus.DENIED, OrderStatus.FILLED]
        )
    ):
        venue = adapter.find(access, ref_of(order))
        if venue is not None:
            looked_at.add(venue.broker_order_id)
            _order_take(order, venue)
            if order.status == OrderStatus.UNKNOWN:
                found.append(order.id)
        elif order.status not in FINAL_STATUSES:
            missing.append(order)
    waiting = adapter.open_orders(access)
    listed = {venue.broker_order_id for venue in waiting} - {""}
    missing = [order for order in missing if order.broker_order_id not in listed]
    absent = _missing_take(missing)
    unsure.update(order.symbol for order in missing if order not in absent)
    # It may lie there before it is written down.
    flying = Order.objects.filter(account=account, status__in=FLYING, broker_order_id="")
    unsure.update(flying.values_list("symbol", flat=True))
    for venue in waiting:
        if venue.broker_order_id not in looked_at and venue.symbol not in unsure:
            theirs = external_record(account=account, venue=venue)
            # What waits is listed without what it was filled by.
            whole = adapter.find(access, ref_of(theirs))
            if whole is not None:
                _order_take(theirs, whole)
    unwanted_withdraw(found)
    return unsure, absent


def _missing_take(missing: Iterable[Order]) -> list[Order]:
    """Doubt orders that are neither found nor listed; return those that are over by all we know."""
    absent = []
    for order in missing:
        if absent_for_good(order):
            absent.append(order)
        elif order.status != OrderStatus.UNKNOWN:
            absent_doubt(order)
    return absent


def _order_take(order: Order, venue: VenueOrder) -> None:
    if order.status == OrderStatus.PENDING_REPLACE and order.wanted:
        replacement_settle(order, "The broker did not answer.")
    else:
        venue_order_record(order_id=order.id, venue=venue, asked=order)


def _adopt(
    account: BrokerAccount,
    rows: Iterable[dict[str, str]],
    positions: Iterable[VenuePosition],
    before: Mapping[str, int],
) -> None:
    """Take over what the broker has more or less of, as orders that we did not send."""
    shown = {position.symbol: position for position in positions}
    prices = dict(Position.objects.filter(account=account).values_list("symbol", "average_price"))
    for row in rows:
        symbol = row["symbol"]
        gone = VenuePosition(symbol, ZERO, prices.get(symbol, ZERO))
        position_adopt(
            account=account,
            position=shown.get(symbol, gone),
            difference=Decimal(row["theirs"]) - Decimal(row["ours"]),
            number=before[symbol],
        )
