"""Runs of programs that trade options: docs/options.md has the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.lowering import first_bar
from core.engine.program import Program
from core.engine.result import Result
from core.engine.simulate import alerts_apart, simulate
from core.engine.version import ENGINE_VERSION
from core.engine.warnings import warnings_write
from core.errors import InvalidInput
from core.options.chain import Left, chain_build, session_days
from core.options.config import OptionsConfig
from core.options.contract import Contract
from core.options.desk import REJECTED_CONTRACT, Desk
from core.options.expiries import ExpiryCalendar
from core.options.ledger import Ledger
from core.options.machine import Machine
from core.options.result import OptionExitReason, OptionsResult
from core.options.rule_check import rules_check
from core.options.selection import contracts_select
from core.options.settlement import Settlement
from core.options.state import Stage
from core.options.warnings import option_warnings
from core.options.world import world_build

DEFAULTS: Final = OptionsConfig()


def simulate_with_options(
    bars: Bars,
    columns: Sequence[NDArray[Any]],
    program: Program,
    config: RunConfig,
    *,
    options_config: OptionsConfig = DEFAULTS,
    volatility: NDArray[np.float64] | None = None,
    session_ids: NDArray[np.int64] | None = None,
    sessions: NDArray[np.int64] | None = None,
    left: Left | None = None,
    dividends: Mapping[int, float] | None = None,
    underlying: str = "",
) -> Result:
    """Run a program over bars, its rules in shares and in options under one account.

    Parameters
    ----------
    bars, columns, program, config
        As `core.engine.simulate.simulate` takes them.
    options_config : OptionsConfig
        Volatility, rate, costs and margin of the options.
    volatility : ndarray of float64, shape (n,), optional
        Implied volatility known at each close, a fraction a year; a gap (NaN) keeps the last one.
        Without it, volatility is measured on the bars.
    session_ids : ndarray of int64, shape (n,), optional
        Days from 1970-01-01 to the session of each bar; its day of UTC without it.
    sessions : ndarray of int64, optional
        All sessions of the exchange as such days, in order; those of the bars without it.
    left : tuple of two ndarrays of float64, each of shape (n,), optional
        How much of its session is left at the open and at the close of each bar, by the clock.
        Without it the bars of a session share it equally.
    dividends : mapping of int to float, optional
        Cash for one share by ex-date, days from 1970-01-01: short calls may be assigned early.
    underlying : str
        What symbols of contracts begin with.

    Returns
    -------
    OptionsResult, or the engine's own Result for a program without option rules
        Bit for bit the same for the same arguments on one machine.

    Raises
    ------
    InvalidInput
        As the engine does; for option rules that do not fit; for bars longer than a day.
    """
    if not program.option_rules:
        return simulate(bars, columns, program, config, sessions=session_ids)
    if not len(bars):
        raise InvalidInput("There are no bars to run the program on.", code="no_bars")
    rules_check(program, columns, config)
    days = session_days(bars, session_ids)
    chain = chain_build(
        bars,
        columns,
        program,
        options_config,
        days=days,
        left=left,
        volatility=volatility,
        dividends=dividends,
    )
    world = world_build(bars, columns, program, config, options_config=options_config, chain=chain)
    calendar = ExpiryCalendar(
        np.unique(days) if sessions is None else np.asarray(sessions, np.int64),
        listed=options_config.listed,
    )
    ledger = Ledger(underlying, options_config.multiplier)
    desk = Desk(Machine(world), options_config, ledger)
    run = _Run(desk, bars, program, config, calendar)
    run.go(min(first_bar(program, config), len(bars)))
    return run.result(measured=volatility is None)


class _Run:
    """Does what the kernel leaves to Python, stop by stop."""

    def __init__(
        self,
        desk: Desk,
        bars: Bars,
        program: Program,
        config: RunConfig,
        calendar: ExpiryCalendar,
    ) -> None:
        self.desk = desk
        self.bars = bars
        self.machine = desk.machine
        self.program = program
        self.config = config
        self.calendar = calendar
        self.settlement = Settlement(desk)
        self.waiting: list[tuple[int, list[Contract]]] = []
        self.last = len(bars) - 1

    def go(self, start: int) -> None:
        """Simulate from bar `start` to the end."""
        bar, stage = self.machine.run(start, int(Stage.OPEN))
        while stage not in (Stage.END, Stage.RUIN):
            bar, stage = self.machine.run(*self._do(bar, stage))
        if stage == Stage.RUIN:
            self.desk.close_all(self.machine.at_close(bar), OptionExitReason.RUIN)
            self.machine.command(bar, Stage.RUINED)
            book = self.machine.world.book
            book.value[bar:] = book.contracts[bar:] = 0.0
        else:
            self._finish()

    def result(self, *, measured: bool) -> OptionsResult:
        """Return the outcome; `measured` is whether the volatility comes from the bars."""
        world = self.machine.world
        tables, curves = world.tables, world.curves
        names = tables.counters.dtype.names or ()
        engine = dict(zip(names, tables.counters[0].item(), strict=True))
        trades = self.desk.ledger.trades
        counters = (
            engine
            | {"option_positions": len(np.unique(trades["position"])), "option_legs": len(trades)}
            | self.settlement.counters
            | self.desk.counters
            | {"option_liquidations": int(self.machine.desk["breaches"])}
        )
        fills, alerts = alerts_apart(tables.fills[: tables.account["fills"][0]], self.bars)
        told = option_warnings(counters, self.desk.config, measured=measured)
        return OptionsResult(
            equity=curves.equity,
            cash=curves.cash - world.book.value,
            position=curves.position,
            trades=tables.trades[: tables.account["trades"][0]],
            fills=fills,
            counters=counters,
            warnings=(*told, *warnings_write(engine, self.config)),
            engine_version=ENGINE_VERSION,
            alerts=alerts,
            option_trades=trades,
            option_fills=self.desk.ledger.fills,
            option_value=world.book.value,
            option_contracts=world.book.contracts,
        )

    def _do(self, bar: int, stage: int) -> tuple[int, int]:
        """Do what a stop of the kernel asks for; return where it goes on."""
        if stage == Stage.OPEN:
            self.machine.command(bar, Stage.MARK_OPEN)
            self.desk.close(self.machine.at_open(bar))
            return bar, int(Stage.SHARES)
        if stage == Stage.OPENED:
            self.machine.command(bar, Stage.MARK_OPEN)
            self._open_waiting(bar, at_close=False)
            return bar, int(Stage.INSIDE)
        if stage == Stage.SETTLED:
            self.settlement.settle(self.machine.at_close(bar))
            return bar, int(Stage.SETTLED)
        self._decide(bar)
        return bar + 1, int(Stage.OPEN)

    def _decide(self, bar: int) -> None:
        """Read the option rules that fired: choose contracts now, to be traded at the next open."""
        book = self.machine.world.book
        at = self.machine.at_close(bar)
        earliest = int(self.machine.world.chain.next_day[bar])
        liquidating = (book.positions["closing"] == OptionExitReason.LIQUIDATION).any()
        if book.fired[-1]:
            open_now = (book.positions["rule"] >= 0) & (book.positions["closing"] == 0)
            book.positions["closing"][open_now] = OptionExitReason.SIGNAL
            self.machine.desk["to_close"] = bool((book.positions["rule"] >= 0).any())
        for number in np.flatnonzero(book.fired[:-1]).tolist():
            rule = self.program.option_rules[number]
            contracts = None
            if not liquidating:
                contracts = contracts_select(
                    rule, at, earliest=earliest, calendar=self.calendar, config=self.desk.config
                )
            if contracts is None:
                self.desk.counters[REJECTED_CONTRACT] += not liquidating
            else:
                self.waiting.append((number, contracts))
        self.machine.desk["to_open"] = bool(self.waiting)
        if self.config.trade_on_close:
            if self.machine.desk["to_close"]:
                self.desk.close(at)
            self._open_waiting(bar, at_close=True)
            self.machine.command(bar, Stage.MARK_CLOSE)

    def _open_waiting(self, bar: int, *, at_close: bool) -> None:
        at = self.machine.at_close(bar) if at_close else self.machine.at_open(bar)
        for number, contracts in self.waiting:
            self.desk.open(number, self.program.option_rules[number], contracts, at)
        self.waiting = []
        self.machine.desk["to_open"] = False

    def _finish(self) -> None:
        """End the run at the last close, where what was decided there never fills."""
        tables = self.machine.world.tables
        at = self.machine.at_close(self.last)
        open_legs = int(self.machine.desk["legs"])
        unfilled = bool(self.waiting) or bool(self.machine.desk["to_close"])
        if self.config.liquidate_at_end and open_legs:
            self.desk.close_all(at, OptionExitReason.END)
        self.machine.command(self.last, Stage.FINISHED)
        tables = self.machine.world.tables
        tables.counters["unfilled_at_end"] |= unfilled
        if self.config.liquidate_at_end:
            tables.counters["closed_at_end"] += open_legs
