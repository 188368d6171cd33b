"""From an order that a strategy wants to one that can be sent: its name, its prices, its hour."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final
from uuid import UUID

from django.utils import timezone

from brokers.choices import AccountState, OrderType, Side, TimeInForce
from brokers.deployments.attempts import AT_ONCE, Attempts
from brokers.deployments.naming import node_name
from brokers.deployments.wanted import Wanted
from brokers.deployments.withdrawing import GUARDS, OpenOrders
from brokers.models import Deployment, Order
from brokers.services.capability import asset_type_of
from brokers.services.intents import Draft, Intent
from core.engine.program import OrderKind, PriceKind, Program
from core.engine.program import TimeInForce as Waiting
from market.bar_times import moment_of, opens_in
from market.calendars import is_open
from market.intervals import interval_get
from market.models import Instrument

STEP: Final = Decimal("1e-8")
KINDS: Final = {
    OrderKind.MARKET: OrderType.MARKET,
    OrderKind.LIMIT: OrderType.LIMIT,
    OrderKind.STOP: OrderType.STOP,
    OrderKind.STOP_LIMIT: OrderType.STOP_LIMIT,
    OrderKind.TRAILING_STOP: OrderType.TRAILING_STOP,
}
# What an order in shares is called that came of contracts, and of no rule.
DELIVERED: Final = "delivered"


class Drafting(OpenOrders):
    """Drafts the orders of one deployment; its row is locked by the caller.

    What is new is kept in `drafts`, for the caller to create together with those of others.

    Attributes
    ----------
    retry_at : datetime or None
        When to look again, because something could not be placed now.
    """

    def __init__(
        self,
        deployment: Deployment,
        program: Program,
        instrument: Instrument,
        orders: Iterable[Order] | None = None,
        *,
        now: datetime | None = None,
    ) -> None:
        super().__init__(deployment, orders)
        self.program, self.instrument = program, instrument
        self.now = now or timezone.now()
        self.drafts: list[Draft] = []
        # Sales that purchases cover, by the keys of these: nothing is sold that is not covered.
        self.covered: list[tuple[Draft, frozenset[tuple[UUID, str]]]] = []
        self.retry_at: datetime | None = None
        # A bar is decided on: what was refused before is tried again.
        self._fresh = False

    def place(self, wanted: Wanted, *, bar_ts: int, leg: int) -> None:
        """Draft the order of a decision."""
        rule = self.program.rules[wanted.rule] if self.program.rules else None
        trail = amount(wanted.trail)
        stop = rule.order.stop if rule is not None else None
        fraction = stop is not None and stop.kind == PriceKind.OFFSET
        trailing = wanted.kind == OrderKind.TRAILING_STOP
        intent = Intent(
            deployment_id=self.deployment.id,
            bar_ts=moment_of(bar_ts),
            node=self._node(wanted),
            leg=leg,
            symbol=self.instrument.symbol,
            side=_side(wanted),
            quantity=amount(wanted.quantity, ROUND_DOWN) or Decimal(0),
            asset_type=asset_type_of(self.instrument),
            order_type=KINDS[wanted.kind],
            time_in_force=self._time_in_force(wanted),
            limit_price=self._price(wanted.limit),
            stop_price=None if trailing else self._price(wanted.stop),
            trail_amount=trail if trailing and not fraction else None,
            trail_fraction=trail if trailing and fraction else None,
        )
        self.drafts.append(Draft(self.deployment.account, intent, self.deployment.strategy_id))

    def can_trade(self) -> bool:
        """Tell whether the market is open; our own venue takes orders at any time."""
        return not self.can.remote or is_open(self.instrument, self.now)

    def can_send(self) -> bool:
        """Tell whether the broker takes orders now: some do while the market is open only."""
        return self.can.of(asset_type_of(self.instrument)).queues or self.can_trade()

    def later(self, wait: timedelta) -> None:
        """Have the deployment looked at again after a while."""
        at = timezone.now() + wait
        self.retry_at = at if self.retry_at is None else min(self.retry_at, at)

    def at_open(self) -> None:
        """Have the deployment looked at again when the market opens."""
        self.later(opens_in(self.instrument, self.now))

    def _may_try(self, attempts: Attempts) -> bool:
        """Tell whether an order may be tried (again) now; see to it that it is tried later."""
        if not self.can_send():
            self.at_open()
            return False
        if attempts.failed and self.deployment.account.state == AccountState.HALTED:
            self.later(AT_ONCE)  # As soon as it is not halted any more.
            return False
        wait = AT_ONCE if self._fresh else attempts.wait(self.instrument, self.now)
        if wait:
            self.later(min(wait, opens_in(self.instrument, self.now) or wait))
        return not wait

    def _node(self, wanted: Wanted) -> str:
        # What contracts have delivered is sold where no rule trades shares as well.
        source = self.program.rules[wanted.rule].source if self.program.rules else DELIVERED
        return node_name(source, wanted.rule, wanted.role)

    def _bar_s(self) -> float:
        return interval_get(self.deployment.interval).seconds

    def _time_in_force(self, wanted: Wanted) -> TimeInForce:
        lasting = wanted.kind != OrderKind.MARKET and (
            wanted.role in GUARDS
            or self.program.rules[wanted.rule].order.time_in_force != Waiting.DAY
        )
        quantity = amount(wanted.quantity, ROUND_DOWN)
        can = self.can.of(asset_type_of(self.instrument), quantity).times_in_force
        if lasting and TimeInForce.GTC in can:
            return TimeInForce.GTC
        return TimeInForce.DAY if TimeInForce.DAY in can else TimeInForce.GTC

    def _price(self, price: float) -> Decimal | None:
        found = amount(price)
        if found is None:
            return None
        offer = self.can.of(asset_type_of(self.instrument))
        tick = offer.tick_of(self.instrument.symbol, self.instrument.tick_size)
        return (found / tick).to_integral_value() * tick


def amount(value: float, rounding: str | None = None) -> Decimal | None:
    """Return a number of a decision as orders have it; None where there is none."""
    if not math.isfinite(value):
        return None
    return Decimal(repr(float(value))).quantize(STEP, rounding=rounding)


def _side(wanted: Wanted) -> Side:
    if wanted.side > 0:
        return Side.BUY if wanted.opens else Side.COVER
    return Side.SHORT if wanted.opens else Side.SELL
