"""From what a deployment wants to what lies at the broker: placed, moved, withdrawn.

Intents are unique by deployment, bar, name and leg (`brokers.services.intents`), so whatever is
repeated here is placed once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final
from uuid import UUID

from django.utils import timezone

from brokers.adapters.base import Replacing
from brokers.choices import (
    AccountState,
    AssetType,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from brokers.deployments.attempts import AT_ONCE, Attempts
from brokers.deployments.naming import Purpose, node_name
from brokers.deployments.wanted import Decision, Role, Wanted
from brokers.deployments.withdrawing import GUARDS, OpenOrders
from brokers.models import Deployment, Order
from brokers.quotes import Quotes
from brokers.recording import WORKING
from brokers.services.capability import asset_type_of
from brokers.services.intents import Draft, Intent, intents_create
from brokers.services.orders import Begin, ReplacementDenied, order_replace
from core.engine.option_rules import Right
from core.engine.program import OrderKind, PriceKind, Program
from core.engine.program import TimeInForce as Waiting
from core.errors import Conflict, InvalidInput
from core.transactions import Overtaken
from market.bar_times import moment_of, opens_in, ts_of
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
CLOSES: Final = (Role.EXIT, Role.REVERSE)


class Desk(OpenOrders):
    """Places the orders of one deployment; its row is locked by the caller.

    What is new is kept in `drafts`, for the caller to create together with those of other desks.

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

    def follow(self, decision: Decision) -> bool:
        """Have guards lie where they belong, unless the position is being closed.

        False where a guard must be gone from the venue before its lot is sold.
        """
        orders = self.open_orders()
        leaving = any(
            purpose.role in CLOSES and order.order_type == OrderType.MARKET
            for purpose, order in orders
        )
        guards = () if leaving or decision.now else decision.guards
        self._guards(guards, orders)
        return self._takes(guards)

    def act(self, decision: Decision) -> bool:
        """Place what a bar decided; False where guards must be gone from the venue first."""
        leaving = any(wanted.role in CLOSES for wanted in decision.now)
        self._fresh = True
        self._waiting(decision)
        self._guards(() if leaving else decision.guards, self.open_orders())
        return self.enter(decision)

    def enter(self, decision: Decision) -> bool:
        """Send what trades at the market, once no guard is left that holds its units."""
        leaving = any(wanted.role in CLOSES for wanted in decision.now)
        guarded = any(purpose.role in GUARDS for purpose, _ in self.open_orders())
        held_back = leaving and (guarded or self._covering(decision))
        if not held_back:
            for leg, wanted in enumerate(decision.now):
                self.place(wanted, bar_ts=decision.bar_ts, leg=leg)
        return self._takes(() if leaving else decision.guards) and not held_back

    def _covering(self, decision: Decision) -> bool:
        """Tell whether shares cover calls that are being bought back: a broker keeps them then."""
        if decision.options is None or not self.can.remote:
            return False
        wanted = any(
            one.side > 0 and one.contract.right == Right.CALL for one in decision.options.closes
        )
        waits = (order for _, order in self.open_orders() if order.asset_type == AssetType.OPTION)
        return wanted or any(order.side == Side.COVER for order in waits)

    def place(self, wanted: Wanted, *, bar_ts: int, leg: int) -> None:
        """Draft the order of a decision."""
        # What contracts have delivered is sold where no rule trades shares as well.
        rule = self.program.rules[wanted.rule] if self.program.rules else None
        trail = _amount(wanted.trail)
        stop = rule.order.stop if rule is not None else None
        fraction = stop is not None and stop.kind == PriceKind.OFFSET
        trailing = wanted.kind == OrderKind.TRAILING_STOP
        intent = Intent(
            deployment_id=self.deployment.id,
            bar_ts=moment_of(bar_ts),
            node=node_name(rule.source if rule else DELIVERED, wanted.rule, wanted.role),
            leg=leg,
            symbol=self.instrument.symbol,
            side=_side(wanted),
            quantity=_amount(wanted.quantity, ROUND_DOWN) or Decimal(0),
            asset_type=asset_type_of(self.instrument),
            order_type=KINDS[wanted.kind],
            time_in_force=self._time_in_force(wanted),
            limit_price=self._price(wanted.limit),
            stop_price=None if trailing else self._price(wanted.stop),
            trail_amount=trail if trailing and not fraction else None,
            trail_fraction=trail if trailing and fraction else None,
        )
        self.drafts.append(Draft(self.deployment.account, intent, self.deployment.strategy_id))

    def _waiting(self, decision: Decision) -> None:
        """Keep the orders that wait as the program has them: one a rule."""
        wanted = {(one.rule, one.decided_ts) for one in decision.waiting}
        for purpose, order in self.open_orders():
            if purpose.role in GUARDS or order.order_type == OrderType.MARKET:
                continue
            key = (purpose.rule, ts_of(order.bar_ts) if order.bar_ts else 0)
            if key not in wanted:
                self.cancel(order)
        for one in decision.waiting:
            if one.decided_ts == decision.bar_ts:
                self.place(one, bar_ts=decision.bar_ts, leg=0)

    def _guards(self, wanted: tuple[Wanted, ...], orders: list[tuple[Purpose, Order]]) -> None:
        stops = {lot_of(one) for one in wanted if one.role == Role.STOP}
        sold = {lot_of(one) for one in self._touched(wanted)}
        missing = {
            (one.rule, one.role, one.entry_ts): one
            for one in wanted
            # Two exits of the same units at a real venue could both fill: the stop-loss lies
            # there. Our own refuses the second.
            if (one.role == Role.STOP and lot_of(one) not in sold)
            or (one.role == Role.TAKE and (not self.can.remote or lot_of(one) not in stops))
        }
        for purpose, order in orders:
            if purpose.role not in GUARDS or is_sale(purpose, order):
                continue
            key = (purpose.rule, purpose.role, ts_of(order.bar_ts) if order.bar_ts else 0)
            guard = missing.pop(key, None)
            if guard is None:
                self.cancel(order)
            else:
                self._adjust(order, guard)
        for guard in missing.values():
            self._guard_place(guard)

    def _touched(self, guards: tuple[Wanted, ...]) -> list[Wanted]:
        """Return the take-profits that were reached and do not lie at the venue.

        Where their sale was refused the stop-loss lies there again: its owner was told. A reason
        that passes has it tried again.
        """
        if not self.can.remote:
            return []
        stops = {lot_of(one) for one in guards if one.role == Role.STOP}
        reached = [one for one in guards if one.touched and lot_of(one) in stops]
        return [one for one in reached if self._may_sell(self._attempts(one))]

    def _may_sell(self, sales: Attempts) -> bool:
        return not sales.lasting and self._may_try(sales)

    def _takes(self, guards: tuple[Wanted, ...]) -> bool:
        """Sell the lots whose take-profit was reached, once their stop-loss is gone.

        False where one is not: it may still fill.
        """
        there = {
            (purpose.rule, ts_of(order.bar_ts)): order
            for purpose, order in self.open_orders()
            if purpose.role in GUARDS and order.bar_ts
        }
        done = True
        for one in self._touched(guards):
            lying = there.get(lot_of(one))
            if lying is None:
                sale = replace(one, kind=OrderKind.MARKET, limit=float("nan"))
                self.place(sale, bar_ts=one.entry_ts, leg=self._attempts(one).leg())
            elif lying.order_type != OrderType.MARKET:
                done = False
        return done

    def _attempts(self, guard: Wanted) -> Attempts:
        """Return the orders that there were for a guard, the latest first."""
        rule = self.program.rules[guard.rule]
        before = Order.objects.filter(
            deployment_id=self.deployment.id,
            bar_ts=moment_of(guard.entry_ts),
            node=node_name(rule.source, guard.rule, guard.role),
        )
        return Attempts.of(before, bar_s=interval_get(self.deployment.interval).seconds)

    def _guard_place(self, guard: Wanted) -> None:
        """Place a guard, named after the bar of its entry; the next leg of those there were."""
        attempts = self._attempts(guard)
        # What ends with the day is refused while the market is closed.
        if self._time_in_force(guard) == TimeInForce.DAY and not self.can_trade():
            self.later(opens_in(self.instrument, self.now))
        elif self._may_try(attempts):
            self.place(guard, bar_ts=guard.entry_ts, leg=attempts.leg())

    def _may_try(self, attempts: Attempts) -> bool:
        """Tell whether an order may be tried (again) now; see to it that it is tried later."""
        if attempts.failed and self.deployment.account.state == AccountState.HALTED:
            self.later(AT_ONCE)  # As soon as it is not halted any more.
            return False
        wait = AT_ONCE if self._fresh else attempts.wait(self.instrument, self.now)
        if wait:
            self.later(min(wait, opens_in(self.instrument, self.now) or wait))
        return not wait

    def later(self, wait: timedelta) -> None:
        """Have the deployment looked at again after a while."""
        at = timezone.now() + wait
        self.retry_at = at if self.retry_at is None else min(self.retry_at, at)

    def can_trade(self) -> bool:
        """Tell whether the market is open; our own venue takes orders at any time."""
        return not self.can.remote or is_open(self.instrument, self.now)

    def _adjust(self, order: Order, guard: Wanted) -> None:
        """Move a guard to where it belongs: in place where the venue can, else by another."""
        quantity = _amount(guard.quantity, ROUND_DOWN) or Decimal(0)
        limit, stop = self._price(guard.limit), self._price(guard.stop)
        left = order.quantity - order.filled_quantity
        if left == quantity and (order.limit_price, order.stop_price) == (limit, stop):
            return
        if order.status not in WORKING or order.cancel_requested_at is not None:
            return  # It is on its way: looked at again with the next news.
        if self.deployment.account.state == AccountState.HALTED:
            return  # It stays where it is: nothing is sent.
        if self.can.replacing == Replacing.IN_PLACE:
            self._replace(order, quantity=quantity, limit=limit, stop=stop)
        else:
            self.cancel(order)  # The next look finds it missing, and places it anew.

    def _replace(
        self, order: Order, *, quantity: Decimal, limit: Decimal | None, stop: Decimal | None
    ) -> None:
        whole = order.filled_quantity + quantity
        try:
            order_replace(order=order, quantity=whole, limit_price=limit, stop_price=stop)
        except ReplacementDenied:
            return  # It stays as it is; the decision says why.
        except Conflict as error:
            raise Overtaken from error
        except InvalidInput as error:
            if error.code == "quantity_filled":
                raise Overtaken from error
            raise
        self._changed(order)

    def _time_in_force(self, wanted: Wanted) -> TimeInForce:
        lasting = wanted.kind != OrderKind.MARKET and (
            wanted.role in GUARDS
            or self.program.rules[wanted.rule].order.time_in_force != Waiting.DAY
        )
        quantity = _amount(wanted.quantity, ROUND_DOWN)
        can = self.can.of(asset_type_of(self.instrument), quantity).times_in_force
        if lasting and TimeInForce.GTC in can:
            return TimeInForce.GTC
        return TimeInForce.DAY if TimeInForce.DAY in can else TimeInForce.GTC

    def _price(self, price: float) -> Decimal | None:
        found = _amount(price)
        if found is None:
            return None
        tick = self.instrument.tick_size
        return (found / tick).to_integral_value() * tick


def drafts_create(
    desks: Iterable[Desk], *, begin: Begin | None = None, quotes: Quotes | None = None
) -> None:
    """Create the orders that desks have drafted, together."""
    rows = list(desks)
    drafts = [draft for desk in rows for draft in desk.drafts]
    orders = intents_create(drafts, begin=begin, quotes=quotes)
    covered = [one for desk in rows for one in desk.covered]
    if not covered:
        return
    created = zip(drafts, orders, strict=True)
    denied = {draft.key for draft, order in created if order.status == OrderStatus.DENIED}
    left = [draft for draft, needs in covered if not needs & denied]
    intents_create(left, begin=begin, quotes=quotes)


def lot_of(guard: Wanted) -> tuple[int, int]:
    """Return which lot a guard is of: its rule, and the bar of its entry."""
    return guard.rule, guard.entry_ts


def is_sale(purpose: Purpose, order: Order) -> bool:
    """Tell whether an order sells a lot whose take-profit was reached."""
    return purpose.role == Role.TAKE and order.order_type == OrderType.MARKET


def _side(wanted: Wanted) -> Side:
    if wanted.side > 0:
        return Side.BUY if wanted.opens else Side.COVER
    return Side.SHORT if wanted.opens else Side.SELL


def _amount(value: float, rounding: str | None = None) -> Decimal | None:
    if not math.isfinite(value):
        return None
    return Decimal(repr(float(value))).quantize(STEP, rounding=rounding)
