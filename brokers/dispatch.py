"""The sender: from a committed order to the venue, once.

`submitting` is committed before the call, and the call is made once. Only a proven refusal is
`rejected`; whatever else goes wrong leaves the order `unknown`, and then the venue is asked for our
id until it answers (`brokers.resolving`). The account's state is read in the transaction that
commits `submitting`, with its row locked: after a kill switch has committed, nothing is sent.

Several accounts are sent for at once, each under a lease of its own: one transaction commits what
all of them send next, then all calls are made, then what came of each is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from brokers.access import access_of, request_of
from brokers.adapters.base import (
    Access,
    Adapter,
    LocalAdapter,
    OrderRequest,
    OutcomeUnknown,
    Refused,
    VenueOrder,
)
from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_change, order_ended
from brokers.choices import OPENING_SIDES, AccountState, OrderStatus
from brokers.lease import LEASE, Lease, leases_claim, leases_hold, leases_release
from brokers.models import BrokerAccount, Order
from brokers.reconciling import orders_bury, reconcile
from brokers.recording import venue_order_record
from brokers.selectors import unknown_symbols
from brokers.transitions import orders_move
from core.errors import Permanent

# A decision that could not be sent for so long was made about another market.
STALE_AFTER = timedelta(minutes=5)
# What happened at the venue since then is looked at before the next order goes out.
RECONCILED_WITHIN = timedelta(minutes=3)
# All calls of one round are made at the same time: none waits past its lease for its turn.
CALLS_AT_ONCE: Final = 32
LOCAL_AT_ONCE: Final = 250


@dataclass(frozen=True, slots=True)
class _Sending:
    """An order that is committed as being sent, and what is sent."""

    order: Order
    access: Access
    request: OrderRequest


Outcome = VenueOrder | Refused | OutcomeUnknown


def order_submit(*, order_id: UUID) -> None:
    """Send an order that was created and not sent, after those before it; else do nothing."""
    order = Order.objects.only("status", "account_id", "replaces_id").get(id=order_id)
    if order.status == OrderStatus.CREATED:
        account_send(account_id=order.account_id)


def account_send(*, account_id: UUID) -> None:
    """Send what waits in an account, in order; do nothing while another sender does."""
    accounts_send(account_ids=[account_id])


def accounts_send(*, account_ids: Iterable[UUID]) -> None:
    """Send what waits in accounts, leaving out those that another sender has."""
    ids = set(account_ids)
    while ids:
        rows = _waiting(ids).order_by().values_list("account_id", "account__kind").distinct()
        kinds = dict(rows)
        remote = {account_id for account_id, kind in kinds.items() if _remote(kind)}
        local = kinds.keys() - remote
        ids = set()
        for group in (*_groups(local, LOCAL_AT_ONCE), *_groups(remote, CALLS_AT_ONCE)):
            ids |= _send_group(group)


def _groups(ids: Iterable[UUID], size: int) -> list[list[UUID]]:
    rows = sorted(ids)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _remote(kind: str) -> bool:
    return ADAPTERS.get(kind).capabilities.remote


def _send_group(ids: Sequence[UUID]) -> set[UUID]:
    """Send what waits in some accounts; return those that may go on."""
    leases = leases_claim(ids)
    if not leases:
        return set()
    ready, undone = _prepare(leases)
    while chosen := _next(ready):
        for sending, outcome in _outcomes(chosen):
            _record(sending.order, outcome)
    # Not in a `finally`: what a sender that broke off was doing must be found out first.
    leases_release(ready, clean=True)
    leases_release(undone, clean=False)
    return {lease.account_id for lease in ready}


def _waiting(account_ids: Iterable[UUID]) -> QuerySet[Order]:
    """Return the orders to send; a replacement is sent by whoever replaces."""
    return Order.objects.filter(
        account_id__in=list(account_ids), status=OrderStatus.CREATED, replaces=None
    ).order_by("created_at", "id")


def _prepare(leases: Sequence[Lease]) -> tuple[list[Lease], list[Lease]]:
    """Find out what senders that died have left, and what happened since.

    Returns the leases under which may be sent, and those under which nothing may be.
    """
    ids = [lease.account_id for lease in leases]
    orders_bury(Order.objects.filter(account_id__in=ids, replaces=None))
    # At our own venue nobody else does anything: what a sender left undone is all there is to know.
    remote = _remote_of(ids)
    ready: list[Lease] = []
    undone: list[Lease] = []
    for lease in leases:
        known = lease.clean and _recent(remote.get(lease.account_id))
        (ready if known or reconcile(lease) else undone).append(lease)
    return ready, undone


def _remote_of(ids: Iterable[UUID]) -> dict[UUID, BrokerAccount]:
    kinds = [kind for kind in ADAPTERS.names() if _remote(kind)]
    rows = BrokerAccount.objects.filter(id__in=list(ids), kind__in=kinds)
    return {row.id: row for row in rows.only("kind", "reconciled_at")}


def _recent(account: BrokerAccount | None) -> bool:
    if account is None:
        return True
    since = timezone.now() - RECONCILED_WITHIN
    return account.reconciled_at is not None and account.reconciled_at > since


@transaction.atomic
def _next(leases: Sequence[Lease]) -> list[_Sending]:
    """Commit the next order of each account as `submitting`, or deny it."""
    accounts = {row.id: row for row in leases_hold(leases)}
    chosen: dict[UUID, _Sending] = {}
    unsure = unknown_symbols(account_ids=accounts)
    waiting = _waiting(accounts).select_for_update(no_key=True)
    for order in waiting:
        account = accounts[order.account_id]
        if account.id in chosen:
            continue
        order.account = account
        found = _admitted(order, unsure)
        if isinstance(found, Access):
            chosen[account.id] = _Sending(order, found, request_of(order))
            continue
        order_ended(
            order_id=order.id,
            old=OrderStatus.CREATED,
            new=OrderStatus.DENIED,
            code=found[0],
            reason=found[1],
        )
    now = timezone.now()
    orders_move(
        orders=[sending.order for sending in chosen.values()],
        old=OrderStatus.CREATED,
        new=OrderStatus.SUBMITTING,
        attempts=F("attempts") + 1,
        submitted_at=now,
        leased_until=now + LEASE,
    )
    return list(chosen.values())


def _admitted(order: Order, unsure: set[tuple[UUID, str]]) -> Access | tuple[str, str]:
    """Return what opens an order's account, or why it may not be sent now."""
    account = order.account
    try:
        access = access_of(account)
    except Permanent as error:
        return error.code, error.message
    opening = order.side in OPENING_SIDES
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
    return access


def _outcomes(chosen: Sequence[_Sending]) -> Iterable[tuple[_Sending, Outcome]]:
    """Make each call once, and yield what came of it as it comes."""
    by_kind: dict[str, list[_Sending]] = {}
    for sending in chosen:
        by_kind.setdefault(sending.order.account.kind, []).append(sending)
    calls: list[tuple[_Sending, Callable[[], Outcome]]] = []
    for kind, sendings in by_kind.items():
        adapter = ADAPTERS.get(kind)
        if isinstance(adapter, LocalAdapter):
            yield from zip(sendings, _call_local(adapter, sendings), strict=True)
        else:
            calls += [(one, partial(_call, adapter, one)) for one in sendings]
    if len(calls) == 1:  # in this thread: a pool would only cost time
        ((sending, call),) = calls
        yield sending, call()
    elif calls:
        with ThreadPoolExecutor(max_workers=len(calls)) as pool:
            made = {pool.submit(call): sending for sending, call in calls}
            for done in as_completed(made):
                yield made[done], done.result()


def _call(adapter: Adapter, sending: _Sending) -> Outcome:
    try:
        return adapter.submit(sending.access, sending.request)
    except (Refused, OutcomeUnknown) as error:
        return error


def _call_local(adapter: LocalAdapter, sendings: Sequence[_Sending]) -> Sequence[Outcome]:
    try:
        return adapter.submit_all([(one.access, one.request) for one in sendings])
    except OutcomeUnknown as error:
        return [error] * len(sendings)


def _record(order: Order, outcome: Outcome) -> None:
    if isinstance(outcome, VenueOrder):
        venue_order_record(order_id=order.id, venue=outcome)
        if Order.objects.filter(id=order.id, cancel_requested_at__isnull=False).exists():
            order_change(order_id=order.id)
        return
    refused = isinstance(outcome, Refused)
    order_ended(
        order_id=order.id,
        old=OrderStatus.SUBMITTING,
        new=OrderStatus.REJECTED if refused else OrderStatus.UNKNOWN,
        code=outcome.code if isinstance(outcome, Refused) else "no_answer",
        reason=str(outcome),
    )
