"""The sender: from a committed order to the venue, once.

`submitting` is committed before the call, and the call is made once. Only a proven refusal is
`rejected`; whatever else goes wrong leaves the order `unknown`, and then the venue is asked for our
id until it answers (`brokers.resolving`). The account's state is read in the transaction that
commits `submitting`, with its row locked: after a kill switch has committed, nothing is sent.

Several accounts are sent for at once, each under a lease of its own: one transaction commits what
all of them send next, then all calls are made, then what came of them is written down. What an
account sends next is all that waits and depends on none of the others: an order that opens waits
for those before it that reduce, or that trade the same symbol.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from django.db import DataError, IntegrityError
from django.utils import timezone

from brokers.access import access_of, ref_of, request_of
from brokers.adapters.base import Access, OutcomeUnknown, Refused, VenueOrder
from brokers.calling import Outcome, Sending, outcomes_of
from brokers.changing import (
    order_ended,
    orders_deny,
    replacement_end,
    successors_end,
    unwanted_withdraw,
)
from brokers.choices import CHANGE_TASK, OPENING_SIDES, AccountState, OrderStatus
from brokers.lease import (
    Lease,
    leases_claim,
    leases_hold,
    leases_release,
)
from brokers.models import BrokerAccount, Order
from brokers.reconciling import orders_bury, reconcile
from brokers.recording import venue_orders_record
from brokers.risk.standing import Standing, room_denial
from brokers.rounds import (
    STALE_AFTER,
    Round,
    is_remote,
    known_lately,
    orders_begin,
    orders_waiting,
)
from brokers.selectors import unknown_symbols
from core.errors import Permanent
from core.outbox.services import task_enqueue
from core.transactions import atomic

# All calls of one round are made at the same time: none waits past its lease for its turn.
CALLS_AT_ONCE: Final = 128
LOCAL_AT_ONCE: Final = 250
# What a venue may say that no row can hold.
UNREADABLE: Final = (DataError, IntegrityError, ArithmeticError, ValueError)


def order_submit(*, order_id: UUID) -> None:
    """Send an order that was created and not sent, after those before it; else do nothing."""
    order = Order.objects.only("status", "account_id", "replaces_id").get(id=order_id)
    if order.status == OrderStatus.CREATED:
        account_send(account_id=order.account_id)
        if order.replaces_id is not None:  # the other may have ended before
            successors_end(order.replaces_id)


def account_send(*, account_id: UUID) -> None:
    """Send what waits in an account, in order; do nothing while another sender does."""
    accounts_send(account_ids=[account_id])


def accounts_send(*, account_ids: Iterable[UUID]) -> None:
    """Send what waits in accounts, leaving out those that another sender has."""
    ids = set(account_ids)
    while ids:
        rows = orders_waiting(ids).order_by().values_list("account_id", "account__kind").distinct()
        kinds = dict(rows)
        remote = {account_id for account_id, kind in kinds.items() if is_remote(kind)}
        local = kinds.keys() - remote
        ids = set()
        for group in (*_groups(local, LOCAL_AT_ONCE), *_groups(remote, CALLS_AT_ONCE)):
            ids |= _send_group(group)


def _groups(ids: Iterable[UUID], size: int) -> list[list[UUID]]:
    rows = sorted(ids)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _send_group(ids: Sequence[UUID]) -> set[UUID]:
    """Send what waits in some accounts; return those that may go on."""
    leases = leases_claim(ids)
    if not leases:
        return set()
    ready, undone = _prepare(leases)
    sending_finish(ready, _next(ready))
    leases_release(undone, clean=False)
    return {lease.account_id for lease in ready}


def sending_finish(leases: Sequence[Lease], chosen: Sequence[Sending]) -> None:
    """Send what is committed as being sent, and what waits behind it, until nothing does."""
    while chosen:
        sending_make(chosen)
        chosen = _next(leases)
    # Not in a `finally`: what a sender that broke off was doing must be found out first.
    leases_release(leases, clean=True)


def sending_make(chosen: Sequence[Sending]) -> None:
    """Send what is committed as being sent, and write down what came of it."""
    for made in outcomes_of(chosen):
        _record(made)


def _prepare(leases: Sequence[Lease]) -> tuple[list[Lease], list[Lease]]:
    """Find out what senders that died have left, and what happened since.

    Returns the leases under which may be sent, and those under which nothing may be.
    """
    ids = [lease.account_id for lease in leases]
    orders_bury(Order.objects.filter(account_id__in=ids))
    accounts = BrokerAccount.objects.only("kind", "reconciled_at").in_bulk(ids)
    ready: list[Lease] = []
    undone: list[Lease] = []
    for lease in leases:
        known = lease.clean and known_lately(accounts[lease.account_id])
        (ready if known or reconcile(lease) else undone).append(lease)
    return ready, undone


@atomic
def _next(leases: Sequence[Lease]) -> list[Sending]:
    """Commit the next orders of each account as `submitting`, or deny them."""
    accounts = {row.id: row for row in leases_hold(leases)}
    runs = {row.id: Round.of(row.kind) for row in accounts.values()}
    chosen: list[Sending] = []
    denied: list[tuple[Order, tuple[str, str]]] = []
    unsure = unknown_symbols(account_ids=accounts)
    waiting = list(orders_waiting(accounts).select_for_update(no_key=True))
    standing = Standing(waiting, accounts, promises=False)
    for order in waiting:
        order.account = accounts[order.account_id]
        if len(chosen) == LOCAL_AT_ONCE or not runs[order.account_id].takes(order):
            continue
        found = _admitted(order, unsure, standing)
        if isinstance(found, Access):
            replaces = ref_of(order.replaces) if order.replaces else None
            chosen.append(Sending(order, found, request_of(order), replaces=replaces))
            continue
        denied.append((order, found))
    orders_deny(denied)
    for order, _ in denied:
        if order.replaces_id:  # what it was to replace is restored
            task_enqueue(task=CHANGE_TASK, args=[str(order.replaces_id)], queue="orders")
    orders_begin(chosen)
    return chosen


def _admitted(
    order: Order, unsure: set[tuple[UUID, str]], standing: Standing
) -> Access | tuple[str, str]:
    """Return what opens an order's account, or why it may not be sent now."""
    try:
        access = access_of(order.account)
    except Permanent as error:
        return error.code, error.message
    room = standing.room(order)
    denial = room_denial(order, room) if room is not None else None
    return _barred(order, unsure) or ((denial.code, denial.reason) if denial else access)


def _barred(order: Order, unsure: set[tuple[UUID, str]]) -> tuple[str, str] | None:
    """Return why nothing like an order may be sent now."""
    account, opening = order.account, order.side in OPENING_SIDES
    if account.state == AccountState.HALTED:
        return "account_halted", f"The account is halted: {account.state_reason}"
    if account.state == AccountState.REDUCING and opening:
        return "account_reducing", "The account may only reduce positions."
    if order.created_at < timezone.now() - STALE_AFTER:
        return "too_late", "It could not be sent for 5 minutes: decide again."
    if opening and (account.id, order.symbol) in unsure:
        return "order_unknown", (
            f"An order of {order.symbol} may or may not be at the broker: until that is known "
            "only orders that reduce are sent."
        )
    return None


def _record(made: Sequence[tuple[Sending, Outcome]]) -> None:
    """Write down what came of calls: what venues took together, the rest one by one."""
    taken = {
        sending.order.id: outcome for sending, outcome in made if isinstance(outcome, VenueOrder)
    }
    unread = _take_over(taken)
    if taken:
        unwanted_withdraw(taken)
    for sending, outcome in made:
        if sending.order.id in unread:
            _record_failure(sending.order, unread[sending.order.id])
        elif not isinstance(outcome, VenueOrder):
            _record_failure(sending.order, outcome)
        if sending.order.replaces:
            replacement_end(sending.order.replaces, outcome)


def _take_over(taken: Mapping[UUID, VenueOrder]) -> dict[UUID, OutcomeUnknown]:
    """Take over venues' news; return those that no row can hold: others do not suffer from it."""
    try:
        venue_orders_record(taken)
    except UNREADABLE as error:
        if len(taken) == 1:
            said = f"The reply cannot be written down: {error}"
            return dict.fromkeys(taken, OutcomeUnknown(said))
        parts = [_take_over({order_id: venue}) for order_id, venue in taken.items()]
        return {order_id: fault for part in parts for order_id, fault in part.items()}
    return {}


def _record_failure(order: Order, outcome: Refused | OutcomeUnknown) -> None:
    refused = isinstance(outcome, Refused)
    order_ended(
        order_id=order.id,
        old=OrderStatus.SUBMITTING,
        new=OrderStatus.REJECTED if refused else OrderStatus.UNKNOWN,
        code=outcome.code if isinstance(outcome, Refused) else "no_answer",
        reason=str(outcome),
    )
