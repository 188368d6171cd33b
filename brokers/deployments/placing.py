"""From what a deployment wants to what lies at the broker: placed, moved, withdrawn.

Intents are unique by deployment, bar, name and leg (`brokers.services.intents`), so whatever is
repeated here is placed once. Where a broker takes orders while its market is open only, what is to
be sent waits for that, with its tick.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from itertools import count
from typing import Final

from brokers.adapters.base import Replacing
from brokers.choices import (
    OPEN_STATUSES,
    REFUSED,
    AccountState,
    AssetType,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from brokers.deployments.attempts import COUNTED, Attempts
from brokers.deployments.drafting import Drafting, amount
from brokers.deployments.naming import Purpose
from brokers.deployments.wanted import Decision, Role, Wanted
from brokers.deployments.withdrawing import GUARDS
from brokers.models import Order
from brokers.quotes import Quotes
from brokers.recording import WORKING
from brokers.services.intents import intents_create
from brokers.services.orders import Begin, ReplacementDenied, order_replace
from core.engine.option_rules import Right
from core.engine.program import OrderKind
from core.errors import Conflict, InvalidInput
from core.transactions import Overtaken
from market.bar_times import moment_of, ts_of

CLOSES: Final = (Role.EXIT, Role.REVERSE)
Sends = list[tuple[Wanted, int]]
"""Orders that are to be sent, each with its leg."""


class Desk(Drafting):
    """Places the orders of one deployment; its row is locked by the caller."""

    def act(self, decision: Decision) -> bool:
        """Place what a bar decided; False where some of it has to wait.

        For guards to be gone from the venue, or for its market to open.
        """
        self._fresh = True
        self._outdated_cancel(decision)
        return self._go_on(decision, _all(decision))

    def enter(self, decision: Decision) -> bool:
        """Place what had to wait; False where it still has to."""
        placed = self._placed(decision.bar_ts)
        new = [(one, leg) for one, leg in _all(decision) if self._node(one) not in placed]
        return self._go_on(decision, [*new, *self._again(decision, placed)])

    def follow(self, decision: Decision) -> bool:
        """Have guards lie where they belong, unless the position is being closed.

        Nothing is placed that a bar has decided, but for exits that came to nothing. False where a
        guard must be gone from the venue before its lot is sold.
        """
        closes = any(one.role in CLOSES for one in decision.now)
        placed = self._placed(decision.bar_ts) if closes else {}
        return self._go_on(decision, self._again(decision, placed))

    def _go_on(self, decision: Decision, sends: Sends) -> bool:
        """Have guards lie by what is held and closed, and send what may be sent."""
        exits = any(_closes(one) for one, _ in sends)
        orders = self.open_orders()
        leaving = exits or any(
            purpose.role in CLOSES and order.order_type == OrderType.MARKET
            for purpose, order in orders
        )
        guards = () if leaving else decision.guards
        self._guards(guards, orders)
        sent = self._send(decision, sends, exits=exits)
        return self._takes(guards) and sent

    def _send(self, decision: Decision, sends: Sends, *, exits: bool) -> bool:
        """Send orders: what trades at the market once no guard is left that holds its units."""
        if sends and not self.can_send():
            self.at_open()
            return False
        guarded = any(purpose.role in GUARDS for purpose, _ in self.open_orders())
        held_back = exits and (guarded or self._covering(decision))
        for wanted, leg in sends:
            if not held_back or wanted.kind != OrderKind.MARKET:
                self.place(wanted, bar_ts=decision.bar_ts, leg=leg)
        return not held_back

    def _again(self, decision: Decision, placed: dict[str, list[Order]]) -> Sends:
        """Return the exits that came to nothing and may be tried again, each with its next leg."""
        found: Sends = []
        for node in {self._node(one): None for one in decision.now if one.role in CLOSES}:
            orders = placed.get(node, [])
            if any(order.status in OPEN_STATUSES for order in orders):
                continue
            # What was taken back before it was sent stays so.
            short = [
                one
                for one in orders
                if one.status in REFUSED or (one.submitted_at and one.status != OrderStatus.FILLED)
            ]
            attempts = Attempts(short[:COUNTED], self._bar_s())
            if attempts.failed and self._may_try(attempts):
                wanted = [one for one in decision.now if self._node(one) == node]
                found += zip(wanted, count(orders[0].leg + 1), strict=False)
        return found

    def _placed(self, bar_ts: int) -> dict[str, list[Order]]:
        """Return the orders that a bar's decision has placed, by their names, the latest first."""
        rows = Order.objects.filter(deployment_id=self.deployment.id, bar_ts=moment_of(bar_ts))
        found: dict[str, list[Order]] = {}
        for order in rows.exclude(asset_type=AssetType.OPTION).order_by("-leg"):
            found.setdefault(order.node, []).append(order)
        return found

    def _covering(self, decision: Decision) -> bool:
        """Tell whether shares cover calls that are being bought back: a broker keeps them then."""
        if decision.options is None or not self.can.remote:
            return False
        wanted = any(
            one.side > 0 and one.contract.right == Right.CALL for one in decision.options.closes
        )
        waits = (order for _, order in self.open_orders() if order.asset_type == AssetType.OPTION)
        return wanted or any(order.side == Side.COVER for order in waits)

    def _outdated_cancel(self, decision: Decision) -> None:
        """Take back orders that wait where the program does not have them wait any more."""
        wanted = {(one.rule, one.decided_ts) for one in decision.waiting}
        for purpose, order in self.open_orders():
            if purpose.role in GUARDS or order.order_type == OrderType.MARKET:
                continue
            key = (purpose.rule, ts_of(order.bar_ts) if order.bar_ts else 0)
            if key not in wanted:
                self.cancel(order)

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
        before = Order.objects.filter(
            deployment_id=self.deployment.id,
            bar_ts=moment_of(guard.entry_ts),
            node=self._node(guard),
        )
        return Attempts.of(before, bar_s=self._bar_s())

    def _guard_place(self, guard: Wanted) -> None:
        """Place a guard, named after the bar of its entry; the next leg of those there were."""
        attempts = self._attempts(guard)
        # What ends with the day is refused while the market is closed.
        if self._time_in_force(guard) == TimeInForce.DAY and not self.can_trade():
            self.at_open()
        elif self._may_try(attempts):
            self.place(guard, bar_ts=guard.entry_ts, leg=attempts.leg())

    def _adjust(self, order: Order, guard: Wanted) -> None:
        """Move a guard to where it belongs: in place where the venue can, else by another."""
        quantity = amount(guard.quantity, ROUND_DOWN) or Decimal(0)
        limit, stop = self._price(guard.limit), self._price(guard.stop)
        left = order.quantity - order.filled_quantity
        if left == quantity and (order.limit_price, order.stop_price) == (limit, stop):
            return
        if order.status not in WORKING or order.cancel_requested_at is not None:
            return  # It is on its way: looked at again with the next news.
        if self.deployment.account.state == AccountState.HALTED:
            return  # It stays where it is: nothing is sent.
        if not self.can_send():
            self.at_open()
            return
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


def _all(decision: Decision) -> Sends:
    """Return what a bar has decided: orders that wait for their price, and those at the market."""
    waiting = [(one, 0) for one in decision.waiting if one.decided_ts == decision.bar_ts]
    return [*waiting, *((one, leg) for leg, one in enumerate(decision.now))]


def _closes(wanted: Wanted) -> bool:
    """Tell whether an order closes a position at the market."""
    return wanted.role in CLOSES and wanted.kind == OrderKind.MARKET
