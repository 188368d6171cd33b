"""A second, slow simulator of portfolios in plain Python, written from docs/engine.md alone.

It knows market orders, percent guards, equal shares, places, ranks and rotation, with commission
in percent, spread and slippage, in fractions of a unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Bar = tuple[float, float, float, float]


@dataclass
class Item:
    """An instrument by day: its bars, its signals and its rank; and what is held of it."""

    symbol: str
    bars: Mapping[int, Bar]
    long: set[int]
    short: set[int]
    leave: set[int]
    ranks: Mapping[int, float]
    warmup_day: int
    rank: float = 0.0
    units: float = 0.0
    paid: float = 0.0
    fee: float = 0.0
    bought_on: int = -1
    mark: float = 0.0
    stop: float = math.nan
    take: float = math.nan
    pending: str = ""


@dataclass(frozen=True)
class Terms:
    cash: float
    fee: float
    spread: float
    slip: float
    leverage: float
    maintenance: float
    size: float
    stop: float
    take: float
    places: int
    slots: int
    rotate: bool


@dataclass
class Account:
    """The run: `days` has equity, cash, gross and the number of positions."""

    items: list[Item]
    terms: Terms
    cash: float = 0.0
    days: list[tuple[float, float, float, int]] = field(default_factory=list)
    trades: list[tuple[Any, ...]] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)

    def held(self) -> list[Item]:
        return [item for item in self.items if item.units]

    def equity(self) -> float:
        return self.cash + sum(item.units * item.mark for item in self.held())

    def gross(self) -> float:
        return sum(abs(item.units) * item.mark for item in self.held())

    def count(self, event: str) -> None:
        self.events[event] = self.events.get(event, 0) + 1

    def sell(self, item: Item, day: int, price: float, reason: str, *, slips: bool = True) -> None:
        side = math.copysign(1.0, item.units)
        got = price * (1 - side * self.terms.slip) if slips else price
        fee = abs(item.units) * got * self.terms.fee
        self.cash += item.units * got - fee
        pnl = item.units * (got - item.paid) - fee - item.fee
        self.trades.append(
            (item.symbol, item.bought_on, day, side, abs(item.units), item.paid, got, pnl, reason)
        )
        item.units, item.mark = 0.0, price

    def buy(self, item: Item, day: int, price: float) -> None:
        side = 1.0 if item.pending == "long" else -1.0
        terms = self.terms
        if item.units:
            self.sell(item, day, price, "reversal")
        if len(self.held()) >= terms.places:
            self.count("rejected_positions")
            return
        paid = price * (1 + side * (terms.spread + terms.slip))
        free = self.equity() * terms.leverage - self.gross()
        if free < self.equity() * terms.leverage * 1e-9:
            free = 0.0
        money = terms.size * self.equity() * terms.leverage / terms.slots
        if len(self.items) > 1:
            money = min(money, free)
        units = money / (paid * (1 + terms.fee))
        if units <= 0.0:
            self.count("rejected_below_lot")
            return
        if units * paid * (1 + terms.fee) > free * (1 + 1e-11):
            self.count("rejected_unaffordable")
            return
        item.fee = units * paid * terms.fee
        item.units, item.paid, item.mark, item.bought_on = side * units, paid, price, day
        item.stop = paid * (1 - side * terms.stop)
        item.take = paid * (1 + side * terms.take)
        self.cash -= item.units * paid + item.fee

    def morning(self, day: int, there: Sequence[Item]) -> None:
        for item in there:
            if item.units:
                item.mark = item.bars[day][0]
        asked = [item for item in there if item.pending]
        for item in asked:
            if item.pending not in ("long", "short"):
                if item.units:
                    self.sell(item, day, item.bars[day][0], item.pending)
                if item.pending == "liquidation":
                    self.count("liquidations")
                item.pending = ""
        for item in sorted(asked, key=lambda one: (-one.rank, one.symbol)):
            if item.pending:
                self.buy(item, day, item.bars[day][0])
                item.pending = ""

    def noon(self, day: int, there: Sequence[Item]) -> None:
        for item in there:
            if not item.units:
                continue
            open_, high, low, _ = item.bars[day]
            long = item.units > 0
            stopped = low <= item.stop if long else high >= item.stop
            taken = high >= item.take if long else low <= item.take
            first = open_ >= item.take if long else open_ <= item.take
            if stopped and not (taken and first):
                worse = min if long else max
                self.sell(item, day, worse(open_, item.stop), "stop_loss")
            elif taken:
                better = max if long else min
                self.sell(item, day, better(open_, item.take), "take_profit", slips=False)

    def evening(self, day: int, there: Sequence[Item]) -> None:
        short_of_margin = self.equity() < self.terms.maintenance * self.gross()
        for item in there:
            known = item.ranks[day]
            item.rank = -math.inf if math.isnan(known) else known
            if item.units and short_of_margin:
                item.pending = "liquidation"
            elif day >= item.warmup_day:
                side = math.copysign(1.0, item.units) if item.units else 0.0
                if day in item.long and side <= 0:
                    item.pending = "long"
                elif day in item.short and side >= 0:
                    item.pending = "short"
                elif day in item.leave and side:
                    item.pending = "signal"
        if self.terms.rotate:
            wanted = [
                item
                for item in self.items
                if item.pending in ("long", "short") or (item.units and not item.pending)
            ]
            wanted.sort(key=lambda one: (-one.rank, one.symbol))
            for item in wanted[self.terms.places :]:
                if item.units:
                    item.pending = "rotation"

    def note(self) -> None:
        self.days.append((self.equity(), self.cash, self.gross(), len(self.held())))

    def close_all(self, day: int, reason: str) -> None:
        for item in self.held():
            self.sell(item, day, item.mark, reason)

    def run(self) -> Account:
        self.cash = self.terms.cash
        all_days = sorted({day for item in self.items for day in item.bars})
        for number, day in enumerate(all_days):
            there = [item for item in self.items if day in item.bars]
            self.morning(day, there)
            self.noon(day, there)
            for item in there:
                item.mark = item.bars[day][3]
            self.note()
            if self.days[-1][0] <= 0:
                self.close_all(day, "ruin")
                self.days[number:] = [(self.cash, self.cash, 0.0, 0)] * (len(all_days) - number)
                return self
            self.evening(day, there)
        self.close_all(all_days[-1], "end")
        self.days.pop()
        self.note()
        return self
