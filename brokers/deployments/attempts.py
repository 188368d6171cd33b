"""When an order that came to nothing is tried again.

Each attempt is an order of its own, the next leg of the same decision. How many there were, and
when the last one ended, is in their rows: nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from brokers.choices import REFUSED, OrderStatus
from brokers.models import Order
from market.calendars import Tradable, is_open

# What passes by itself, or with what the account's owner does elsewhere; all else is looked at
# again with the next bar, or when the market opens.
TRANSIENT: Final = frozenset(
    {
        "account_halted", "account_reducing", "clock_skew", "credentials_refused", "http_429",
        "market_closed", "no_credentials", "no_instruments", "no_price", "not_at_broker",
        "not_connected", "not_replaced", "order_rate", "order_unknown", "outside_session",
        "price_collar", "rate_limited", "stale_data", "too_late",
    }
)  # fmt: skip
ENDED: Final = (OrderStatus.CANCELED, OrderStatus.EXPIRED)
SHORTEST: Final = timedelta(seconds=2)
LONGEST: Final = timedelta(minutes=2)
# So many double the wait from the shortest to the longest.
COUNTED: Final = 8
AT_ONCE: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Attempts:
    """The last orders that there were for one purpose, the latest first.

    Attributes
    ----------
    bar_s : float
        Length of the deployment's bars.
    """

    orders: Sequence[Order]
    bar_s: float
    _failed: int = field(init=False)

    def __post_init__(self) -> None:
        """Count those that came to nothing since the last that did not."""
        failed = [came_to_nothing(order) for order in self.orders]
        object.__setattr__(self, "_failed", (*failed, False).index(False))

    @classmethod
    def of(cls, rows: QuerySet[Order], *, bar_s: float) -> Attempts:
        """Return the attempts among some orders of a deployment."""
        return cls(list(rows.order_by("-leg")[:COUNTED]), bar_s)

    @property
    def failed(self) -> bool:
        """Whether the last one came to nothing."""
        return bool(self._failed)

    @property
    def lasting(self) -> bool:
        """Whether it did for a reason that does not pass by itself."""
        return self.failed and self.orders[0].status in REFUSED and not self._passes

    @property
    def _passes(self) -> bool:
        last = self.orders[0]
        return last.status in ENDED or last.reason_code in TRANSIENT

    @property
    def reason(self) -> str:
        """Return why the last one came to nothing; empty where it did not."""
        if not self.failed:
            return ""
        last = self.orders[0]
        return last.reason or f"The order in {last.symbol} is {last.status}."

    def leg(self, first: int = 0) -> int:
        """Return the number of the next attempt."""
        return self.orders[0].leg + 1 if self.orders else first

    def wait(self, instrument: Tradable, now: datetime) -> timedelta:
        """Return how long the next attempt has to wait; nothing where it may be made."""
        if not self.failed:
            return AT_ONCE
        last = self.orders[0]
        ended = last.finished_at or last.updated_at
        if is_open(instrument, now) and not is_open(instrument, ended):
            return AT_ONCE  # What a closed market refuses, it may take now.
        whole: timedelta = min(SHORTEST * 2 ** (self._failed - 1), LONGEST)
        if not self._passes:
            whole = max(timedelta(seconds=self.bar_s), whole)
        return max(AT_ONCE, whole - (timezone.now() - ended))


def came_to_nothing(order: Order) -> bool:
    """Tell whether an order ended without a fill, and not because we took it back."""
    if order.filled_quantity:
        return False
    unasked = order.status in ENDED and order.cancel_requested_at is None
    return order.status in REFUSED or unasked
