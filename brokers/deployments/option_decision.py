"""What a strategy with options decides at the close of the last bar, as `decision.decide` does.

Positions in options are a function of bars and rows, like everything else: each row names its
contract and the decision that opened its position. Selection, prices, conditions and margin are
the functions that backtests use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brokers.deployments.compiled import live_options_load
from brokers.deployments.decision import KINDS, Reader, room_for, rows_booked
from brokers.deployments.option_book import OptionBook, legs_at_once
from brokers.deployments.option_kernel import BOOK, BOOKED, DECIDE, END, REST, SIZES, OptionFeed
from brokers.deployments.wanted import BookRow, Decision, LegWanted, OptionDecision, Role
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.option_rules import OptionOperation
from core.engine.program import Program
from core.options.chain import Left, chain_build
from core.options.config import OptionsConfig
from core.options.contract import Contract, contract_symbol
from core.options.desk import REJECTED_CONTRACT, Desk
from core.options.expiries import ExpiryCalendar
from core.options.ledger import Ledger
from core.options.machine import Machine
from core.options.result import OptionExitReason
from core.options.selection import contracts_select
from core.options.world import world_build

NO_CONTRACT: Final = "no_contract"
UNAFFORDABLE: Final = "unaffordable"
UNAVAILABLE: Final = "contracts_unavailable"


@dataclass(frozen=True, slots=True, eq=False)
class OptionMarket:
    """What is known of the options on what is traded.

    Attributes
    ----------
    config : OptionsConfig
        What they are priced by, and the margin of the account.
    days : ndarray of int64
        All sessions of the exchange, days from 1970-01-01.
    left : tuple of two ndarrays
        How much of its session is left at the open and at the close of each bar.
    listing : ExpiryCalendar or None
        The contracts there are; None where they could not be learnt: then nothing is opened.
    symbols : mapping of Contract to str
        What a venue calls a contract, where it has said it.
    staged : bool
        Whether the legs of a position are placed one after the other, so that some may never be.
    """

    underlying: str
    config: OptionsConfig
    days: NDArray[np.int64]
    left: Left
    listing: ExpiryCalendar | None
    symbols: Mapping[Contract, str] = field(default_factory=dict)
    staged: bool = False

    def symbol(self, contract: Contract) -> str:
        """Return the symbol of a contract."""
        return self.symbols.get(contract) or contract_symbol(contract, self.underlying)


@dataclass(frozen=True, slots=True)
class LegOrder:
    """An order in a contract that is not at its end."""

    rule: int
    position_ts: int
    symbol: str
    opens: bool


def decide_with_options(
    bars: Bars,
    columns: Sequence[NDArray[Any]],
    program: Program,
    config: RunConfig,
    *,
    market: OptionMarket,
    sessions: NDArray[np.int64],
    book: Iterable[BookRow] = (),
    orders: Iterable[LegOrder] = (),
    first_ts: int | None = None,
    skipped: Iterable[int] = (),
) -> Decision:
    """Return what a program with option rules decides at the close of the last bar.

    Parameters
    ----------
    bars, columns, program, config, first_ts, skipped
        As of `decision.decide`.
    market : OptionMarket
    sessions : ndarray of int64, shape (n,)
        The session of each bar, days from 1970-01-01.
    book : iterable of BookRow
        What was filled so far, of shares and of options, oldest first.
    orders : iterable of LegOrder
        What waits at the broker: it is not sent twice.
    """
    chain = chain_build(
        bars, columns, program, market.config,
        days=sessions, left=market.left, volatility=None, dividends=None,
    )  # fmt: skip
    rows = list(book)
    legs = [row for row in rows if row.kind not in KINDS]
    shares = [row for row in rows if row.kind in KINDS]
    world = world_build(
        bars, columns, program, config,
        options_config=market.config, chain=chain, room=legs_at_once(legs),
    )  # fmt: skip
    # Each delivery may be a lot beside those that rules open.
    lots = np.zeros(world.tables.lots.size + len(shares), world.tables.lots.dtype)
    tables = room_for(world.tables._replace(lots=lots), len(shares), program)
    world = world._replace(tables=tables)
    start = program.warmup
    if first_ts is not None:
        start = max(start, int(np.searchsorted(bars.ts, first_ts)))
    feed = OptionFeed(
        booked=rows_booked(shares, bars.ts),
        given=np.zeros(1, np.int64),
        alive=np.ones(1, np.bool_),
        acted=~np.isin(bars.ts, np.fromiter(skipped, np.int64)),
        traded=np.zeros(len(bars), np.bool_),
        sizes=np.zeros(len(program.rules)),
    )
    course = _Course(Machine(world), feed, bars, program, market)
    return course.decision(legs, list(orders), start)


class _Course:
    """Goes through the bars, and reads the last decision."""

    def __init__(
        self, machine: Machine, feed: OptionFeed, bars: Bars, program: Program, market: OptionMarket
    ) -> None:
        self.machine, self.feed = machine, feed
        self.bars, self.program, self.market = bars, program, market
        self.book = OptionBook(machine, program)
        self.last = len(bars) - 1
        self._kernel = live_options_load()

    def decision(self, legs: list[BookRow], orders: list[LegOrder], start: int) -> Decision:
        """Return what holds after the last bar."""
        coming = self._follow(legs, start)
        alive = bool(self.feed.alive[0])
        going = alive and start <= self.last
        opens, refused = self._opens(orders) if going else ((), ())
        for row in coming:
            self.book.take(row, self.machine.at_close(self.last))
        if self.market.staged:
            coming_legs = ((one.rule, one.position_ts, one.symbol) for one in orders if one.opens)
            self.book.incomplete(coming_legs, before=int(self.bars.ts[-1]))
        self._command(REST)
        value = float(self.machine.desk["value"])
        options = OptionDecision(
            closes=self._closes(orders),
            opens=opens,
            held=self.book.held(),
            value=value,
            refused=refused,
            broken=tuple(sorted(self.book.broken)),
        )
        found = self._reader().decision(alive=alive)
        return replace(found, cash=found.cash - value, options=options)

    def _follow(self, legs: list[BookRow], start: int) -> list[BookRow]:
        """Go through the bars that are over; return the rows of the one that is not."""
        by_bar: dict[int, list[BookRow]] = {}
        for row in legs:
            bar = max(int(np.searchsorted(self.bars.ts, row.bar_ts)), start)
            by_bar.setdefault(bar, []).append(row)
        self.feed.traded[[bar for bar in by_bar if bar <= self.last]] = True
        bar, stage = self._kernel(self.machine.world, self.feed, start, BOOK)
        while stage != END:
            at = self.machine.at_close(bar)
            if stage == BOOK:
                for row in by_bar[bar]:
                    self.book.take(row, at)
                stage = BOOKED
            else:
                self.book.expire(at, before=int(self.machine.world.chain.next_day[bar]))
                stage = DECIDE
            bar, stage = self._kernel(self.machine.world, self.feed, bar, stage)
        return [row for bar in sorted(by_bar) if bar > self.last for row in by_bar[bar]]

    def _reader(self) -> Reader:
        return Reader(self.bars, self.program, self.machine.world.tables, self.feed.sizes)

    def _command(self, stage: int) -> None:
        self._kernel(self.machine.world, self.feed, self.last, stage)

    def _opens(
        self, orders: list[LegOrder]
    ) -> tuple[tuple[LegWanted, ...], tuple[tuple[int, str], ...]]:
        """Choose the contracts of the rules that fired, as far as the account can carry them.

        The next open is tried out at this close: positions are closed, then shares trade, then
        positions are opened. Nothing of that stays on the book.
        """
        saved = self.book.saved()
        desk = Desk(self.machine, self.market.config, Ledger("", self.market.config.multiplier))
        at = self.machine.at_close(self.last)
        fired = self._fired(orders)
        desk.close(at)
        self._command(SIZES)
        shares = self._shares_after()
        found: list[LegWanted] = []
        refused: list[tuple[int, str]] = []
        for number in fired:
            rule = self.program.option_rules[number]
            if self.market.listing is None:
                refused.append((number, UNAVAILABLE))
                continue
            contracts = contracts_select(
                rule,
                at,
                earliest=int(self.machine.world.chain.next_day[self.last]),
                calendar=self.market.listing,
                config=self.market.config,
            )
            why = REJECTED_CONTRACT
            if contracts is not None:
                why = desk.open(number, rule, contracts, at, shares=shares)
            if contracts is None or why:
                refused.append((number, NO_CONTRACT if why == REJECTED_CONTRACT else UNAFFORDABLE))
            else:
                found += self._position_wanted(number, contracts)
        self.book.restore(saved)
        # What is bought comes before what is sold: that is never naked for a moment.
        return tuple(sorted(found, key=lambda one: -one.side)), tuple(refused)

    def _fired(self, orders: list[LegOrder]) -> list[int]:
        """Return the rules that fired, but for those whose positions are on their way."""
        book = self.machine.world.book
        liquidating = (book.positions["closing"] == OptionExitReason.LIQUIDATION).any()
        if liquidating or not self.feed.acted[self.last]:
            return []
        known = self.book.alive()
        waiting = {(one.rule, one.position_ts) for one in orders if one.opens} - known
        coming = Counter(rule for rule, _ in waiting)
        return [
            number
            for number in np.flatnonzero(book.fired[:-1]).tolist()
            if self.program.option_rules[number].operation == OptionOperation.OPEN
            and int(book.held[number]) + coming[number]
            < self.program.option_rules[number].max_positions
        ]

    def _shares_after(self) -> float:
        """Return the shares that will be held once the orders at the market have filled."""
        now = self._reader().decision(alive=True).now
        held = float(self.machine.holding["position"])
        return held + sum(one.side * one.quantity for one in now)

    def _position_wanted(self, number: int, contracts: list[Contract]) -> list[LegWanted]:
        rule = self.program.option_rules[number]
        return [
            LegWanted(
                role=Role.OPEN,
                rule=number,
                leg=leg,
                position_ts=int(self.bars.ts[-1]),
                symbol=self.market.symbol(contract),
                contract=contract,
                side=wanted.side,
                quantity=float(wanted.ratio * rule.quantity),
            )
            for leg, (wanted, contract) in enumerate(zip(rule.legs, contracts, strict=True))
        ]

    def _closes(self, orders: list[LegOrder]) -> tuple[LegWanted, ...]:
        """Return the orders that close what is to be closed, but for those that are there."""
        sent = {(one.rule, one.position_ts, one.symbol) for one in orders if not one.opens}
        found: list[LegWanted] = []
        for leg, role, number in self.book.closing():
            if (leg.rule, leg.position_ts, leg.symbol) in sent:
                continue
            wanted = LegWanted(
                role=role,
                rule=leg.rule,
                leg=number,
                position_ts=leg.position_ts,
                symbol=leg.symbol,
                contract=leg.contract,
                side=1 if leg.quantity < 0.0 else -1,
                quantity=abs(leg.quantity),
            )
            found.append(wanted)
        return tuple(sorted(found, key=lambda one: -one.side))
