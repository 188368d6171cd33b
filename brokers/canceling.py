"""Canceling many orders: at all accounts at the same time, in an account one after the other.

A venue that does not answer costs one time-out an account, and holds up no other account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from brokers.access import venue_opened
from brokers.adapters.base import Access, Adapter, OrderRef, OutcomeUnknown, Refused, VenueOrder
from brokers.adapters.kinds import ADAPTERS
from brokers.calling import calls_make
from brokers.choices import FINAL_STATUSES, OrderStatus
from brokers.frames import orders_tell
from brokers.models import Order
from brokers.recording import order_restore, venue_order_record
from brokers.transitions import ALLOWED, Moved, orders_settle
from core.errors import Permanent
from core.transactions import atomic

REASON_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """What a venue says of an order that was to be canceled, and why it refused if it did."""

    venue: VenueOrder | None
    refusal: Refused | None = None


# None: it refused, and did not say what holds.
Answer = Told | OutcomeUnknown | Permanent | None


@atomic
def orders_pend(rows: QuerySet[Order]) -> list[Order]:
    """Make those of some orders that are at venues `pending_cancel`; return all as they are now.

    Their accounts are loaded. Whether an order is at its venue is seen and written under one lock:
    between the two its sender, or a fill, would move it, and nobody would cancel it.
    """
    orders = list(rows.select_related("account").select_for_update(of=("self",)).order_by("id"))
    moves = []
    for order in orders:
        old = OrderStatus(order.status)
        if (old, OrderStatus.PENDING_CANCEL) in ALLOWED:
            order.status = OrderStatus.PENDING_CANCEL
            moves.append(Moved(order, old))
    orders_settle(moves)
    orders_tell([move.order.id for move in moves])
    return orders


def orders_cancel(orders: Iterable[Order]) -> None:
    """Ask venues to cancel orders that are `pending_cancel`; their accounts must be loaded.

    Only the calls are made in threads: what is done with an answer is done in the caller's.
    """
    by_account: dict[UUID, list[Order]] = {}
    for order in orders:
        by_account.setdefault(order.account_id, []).append(order)
    local = [rows for rows in by_account.values() if not _remote(rows[0])]
    remote = [rows for rows in by_account.values() if _remote(rows[0])]
    for rows in local:
        _take(rows, _ask(*venue_opened(rows)))
    for made in calls_make([(rows, partial(_ask, *venue_opened(rows))) for rows in remote]):
        for rows, answers in made:
            _take(rows, answers)


def _remote(order: Order) -> bool:
    return ADAPTERS.get(order.account.kind).capabilities.remote


def _ask(adapter: Adapter, access: Access | Permanent, refs: Sequence[OrderRef]) -> list[Answer]:
    """Cancel the orders of one account one after the other, until there is no answer.

    How they ended is asked afterwards: a question before the next cancel would delay that.
    """
    if isinstance(access, Permanent):
        return [access] * len(refs)
    found: list[Answer] = []
    try:
        refusals = [_cancel(adapter, access, ref) for ref in refs]
        for ref, refusal in zip(refs, refusals, strict=True):
            found.append(_told(adapter, access, ref, refusal))
    except OutcomeUnknown as error:
        found += [error] * (len(refs) - len(found))
    return found


def _cancel(adapter: Adapter, access: Access, ref: OrderRef) -> Refused | None:
    try:
        adapter.cancel(access, ref)
    except Refused as refusal:
        return refusal
    return None


def _told(adapter: Adapter, access: Access, ref: OrderRef, refusal: Refused | None) -> Told | None:
    try:
        return Told(adapter.find(access, ref), refusal)
    except Refused:
        return None


def _take(orders: Sequence[Order], answers: Sequence[Answer]) -> None:
    for order, answer in zip(orders, answers, strict=True):
        cancel_take(order, answer)


def cancel_take(order: Order, answer: Answer) -> None:
    """Take over what came of a cancel: how the order ended, or that it is as it was before."""
    if isinstance(answer, OutcomeUnknown):
        # A cancel may be asked for twice: the sweeper does, until the venue says what holds.
        reason = str(answer)[:REASON_LONGEST]
        Order.objects.filter(id=order.id).update(reason_code="no_answer", reason=reason)
    elif isinstance(answer, Permanent):
        _restore(order, code=answer.code, reason=answer.message)
    elif answer is not None:
        if answer.venue is not None:
            venue_order_record(order_id=order.id, venue=answer.venue, asked=order)
        ended = answer.venue is not None and answer.venue.status in FINAL_STATUSES
        if answer.refusal is not None and not ended:
            _restore(order, code=answer.refusal.code, reason=str(answer.refusal))


def _restore(order: Order, *, code: str, reason: str) -> None:
    order_restore(order_id=order.id, after=OrderStatus.PENDING_CANCEL, code=code, reason=reason)
