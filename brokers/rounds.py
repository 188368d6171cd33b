"""Which orders of an account are sent at the same time, and how that is committed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from brokers.adapters.kinds import ADAPTERS
from brokers.calling import Sending
from brokers.choices import OPENING_SIDES, SIGN, AssetType, OrderStatus, Side
from brokers.lease import LEASE
from brokers.models import BrokerAccount, Order
from brokers.transitions import orders_move

# What happened at the venue since then is looked at before the next order goes out.
RECONCILED_WITHIN: Final = timedelta(minutes=3)
# A decision that could not be sent for so long was made about another market.
STALE_AFTER: Final = timedelta(minutes=5)
# As many as a broker takes at once by its rate and no more: what was committed before a kill switch
# must not go out long after it.
CALLS_OF_ACCOUNT: Final = 8


def is_remote(kind: str) -> bool:
    """Tell whether asking a broker costs a call over the network."""
    return ADAPTERS.get(kind).capabilities.remote


def known_lately(account: BrokerAccount) -> bool:
    """Tell whether what happened at the venue is known; at our own nobody else does anything."""
    if not is_remote(account.kind):
        return True
    since = timezone.now() - RECONCILED_WITHIN
    return account.reconciled_at is not None and account.reconciled_at > since


def orders_to_send() -> QuerySet[Order]:
    """Return the orders to send; of what replaces others that whose place is still to be taken."""
    replaced = Order.objects.filter(
        id=OuterRef("replaces_id"), status=OrderStatus.PENDING_REPLACE, cancel_requested_at=None
    )
    return Order.objects.filter(Q(replaces=None) | Exists(replaced), status=OrderStatus.CREATED)


def orders_waiting(account_ids: Iterable[UUID]) -> QuerySet[Order]:
    """Return the orders to send of some accounts, the oldest first."""
    rows = orders_to_send().filter(account_id__in=list(account_ids))
    return rows.order_by("created_at", "id")


@dataclass(slots=True)
class Round:
    """The orders of an account that are sent at the same time, the oldest first.

    Our own venue takes them one after the other. At any other their calls cross each other: an
    order that opens might find its symbol's outcome unknown, or the money not there yet, and a
    contract that is sold might come before what covers it, or what covers one be sold before it is
    bought back.
    """

    calls: int | None
    symbols: set[str] = field(default_factory=set)
    reduces: bool = False
    bought: set[AssetType] = field(default_factory=set)
    ended: bool = False

    @classmethod
    def of(cls, kind: str) -> Round:
        """Return a round of an account at a broker, with no order in it yet."""
        if not is_remote(kind):
            return cls(calls=None)
        rate = settings.BROKER_RATES.get(kind) or CALLS_OF_ACCOUNT
        return cls(calls=max(1, min(CALLS_OF_ACCOUNT, int(rate))))

    def takes(self, order: Order) -> bool:
        """Tell whether an order may be sent with those before it; if not, none after it may."""
        opens, buys = order.side in OPENING_SIDES, SIGN[Side(order.side)] > 0
        contract = order.asset_type == AssetType.OPTION
        covered = AssetType.OPTION in self.bought or (contract and bool(self.bought))
        if self.calls is not None and not self.ended:
            self.ended = (
                len(self.symbols) == self.calls
                or order.symbol in self.symbols
                or (opens and self.reduces)
                or (covered and not buys)
            )
        self.symbols.add(order.symbol)
        self.reduces |= not opens
        if buys:
            self.bought.add(AssetType(order.asset_type))
        return not self.ended


def orders_begin(chosen: Sequence[Sending]) -> None:
    """Commit orders as being sent, once, with the transaction that is open."""
    now = timezone.now()
    orders_move(
        orders=[sending.order for sending in chosen],
        old=OrderStatus.CREATED,
        new=OrderStatus.SUBMITTING,
        attempts=F("attempts") + 1,
        submitted_at=now,
        leased_until=now + LEASE,
    )


def orders_begin_new(chosen: Sequence[Sending]) -> None:
    """Have orders that are not written yet be born as being sent."""
    now = timezone.now()
    for order in (sending.order for sending in chosen):
        order.status, order.attempts = OrderStatus.SUBMITTING, 1
        order.submitted_at, order.leased_until = now, now + LEASE
