"""The sender: from a committed order to the venue, once.

`submitting` is committed before the call, and the call is made once. Only a proven refusal is
`rejected`; whatever else goes wrong leaves the order `unknown`, and then the venue is asked for our
id until it answers (`brokers.resolving`). The account's state is read in the transaction that
commits `submitting`, with its row locked: after a kill switch has committed, nothing is sent.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from brokers.access import access_of, request_of
from brokers.adapters.base import Access, OutcomeUnknown, Refused
from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_change, order_ended
from brokers.choices import OPENING_SIDES, AccountState, OrderStatus
from brokers.lease import LEASE, Lease, lease_claim, lease_hold, lease_release
from brokers.models import BrokerAccount, Order
from brokers.reconciling import reconcile, senders_bury
from brokers.recording import venue_order_record
from brokers.transitions import order_move
from core.errors import Permanent

log = structlog.get_logger(__name__)

# A decision that could not be sent for so long was made about another market.
STALE_AFTER = timedelta(minutes=5)
# What happened at the venue since then is looked at before the next order goes out.
RECONCILED_WITHIN = timedelta(minutes=3)


def order_submit(*, order_id: UUID) -> None:
    """Send an order that was created and not sent, after those before it; else do nothing."""
    order = Order.objects.only("status", "account_id", "replaces_id").get(id=order_id)
    if order.status == OrderStatus.CREATED:
        account_send(account_id=order.account_id)


def account_send(*, account_id: UUID) -> None:
    """Send what waits in an account, in order; do nothing while another sender does."""
    while _waiting(account_id).exists():
        lease = lease_claim(account_id)
        if lease is None:
            return
        ready = _prepare(lease)
        while ready and (chosen := _next(lease)):
            _send(*chosen)
        # Not in a `finally`: what a sender that broke off was doing must be found out first.
        lease_release(lease, clean=ready)
        if not ready:
            return


def _waiting(account_id: UUID) -> QuerySet[Order]:
    """Return the orders to send; a replacement is sent by whoever replaces."""
    return Order.objects.filter(
        account_id=account_id, status=OrderStatus.CREATED, replaces=None
    ).order_by("created_at", "id")


def _prepare(lease: Lease) -> bool:
    """Find out what a sender that died has left, and what happened since; False: send nothing."""
    account = BrokerAccount.objects.get(id=lease.account_id)
    senders_bury(account_id=account.id)
    recent = (
        account.reconciled_at is not None
        and account.reconciled_at > timezone.now() - RECONCILED_WITHIN
    )
    if lease.clean and recent:
        return True
    return reconcile(lease)


@transaction.atomic
def _next(lease: Lease) -> tuple[Order, Access] | None:
    """Commit the next order as `submitting`, or deny it; None where there is none to send."""
    account = lease_hold(lease)
    if account is None:
        return None
    for order in _waiting(account.id):
        try:
            access = access_of(account)
        except Permanent as error:
            denial: tuple[str, str] | None = (error.code, error.message)
        else:
            denial = _denial(account, order)
        if denial:
            order_ended(
                order_id=order.id,
                old=OrderStatus.CREATED,
                new=OrderStatus.DENIED,
                code=denial[0],
                reason=denial[1],
            )
            continue
        now = timezone.now()
        order_move(
            order_id=order.id,
            old=OrderStatus.CREATED,
            new=OrderStatus.SUBMITTING,
            attempts=order.attempts + 1,
            submitted_at=now,
            leased_until=now + LEASE,
        )
        return order, access
    return None


def _denial(account: BrokerAccount, order: Order) -> tuple[str, str] | None:
    """Return why an order may not be sent now."""
    opening = order.side in OPENING_SIDES
    if account.state == AccountState.HALTED:
        return "account_halted", f"The account is halted: {account.state_reason}"
    if account.state == AccountState.REDUCING and opening:
        return "account_reducing", "The account may only reduce positions."
    if order.created_at < timezone.now() - STALE_AFTER:
        return "too_late", "It could not be sent for 5 minutes: decide again."
    if opening and unknown_orders(account_id=account.id, symbol=order.symbol):
        return "order_unknown", (
            f"An order of {order.symbol} may or may not be at the broker: until that is known "
            "only orders that reduce are sent."
        )
    return None


def unknown_orders(*, account_id: UUID, symbol: str) -> bool:
    """Tell whether the outcome of an order of a symbol is unknown."""
    return Order.objects.filter(
        account_id=account_id, symbol=symbol, status=OrderStatus.UNKNOWN
    ).exists()


def _send(order: Order, access: Access) -> None:
    try:
        venue = ADAPTERS.get(order.account.kind).submit(access, request_of(order))
    except Refused as refusal:
        order_ended(
            order_id=order.id,
            old=OrderStatus.SUBMITTING,
            new=OrderStatus.REJECTED,
            code=refusal.code,
            reason=str(refusal),
        )
    except OutcomeUnknown as error:
        order_ended(
            order_id=order.id,
            old=OrderStatus.SUBMITTING,
            new=OrderStatus.UNKNOWN,
            code="no_answer",
            reason=str(error),
        )
    else:
        venue_order_record(order_id=order.id, venue=venue)
        if Order.objects.filter(id=order.id, cancel_requested_at__isnull=False).exists():
            order_change(order_id=order.id)
