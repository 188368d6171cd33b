"""Many instruments under one account: their bars and columns and one program in, a result out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.agenda import Agenda, Field
from core.engine.allocation import INSTRUMENTS_AT_MOST
from core.engine.code_lowering import code_layout
from core.engine.compiled import portfolio_load
from core.engine.config import RunConfig
from core.engine.listed import Listed, acts_of, by_bar_joined, fine_joined, market_joined
from core.engine.lowering import first_bar, plan_lower, terms_lower
from core.engine.program import Program
from core.engine.result import ALERT, NO_FILL, ExitReason
from core.engine.simulate import times_order
from core.engine.state import Curves
from core.engine.tables import tables_new
from core.engine.timeline import timeline_find
from core.engine.version import ENGINE_VERSION
from core.engine.warnings import endings_write, warnings_write
from core.errors import Detail, InvalidInput


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioResult:
    """The outcome of one run over `m` moments: the times at which any instrument has a bar.

    Attributes
    ----------
    symbols : tuple of str
        In order; `instrument` of trades, fills and alerts is a place in it.
    ts : ndarray of int64, shape (m,)
    equity, cash, gross : ndarray of float64, shape (m,)
        The account at the close of each moment; `gross` is the value of all positions without
        signs. A position without a bar at a moment is marked at its last close.
    positions : ndarray of int64, shape (m,)
        How many instruments are held.
    trades, fills, alerts : structured ndarray
        As in `result.Result`, bars counted in moments.
    counters, warnings, engine_version
        As in `result.Result`.
    starts : ndarray of int64, shape (len(symbols) + 1,)
        Where each instrument begins in the series by bar.
    position : ndarray of float64, shape (starts[-1],)
        Signed units held, by bar of each instrument.
    earned : ndarray of float64, shape (len(symbols),)
        What each instrument has added to the equity: P&L of open positions, commissions and
        borrowed shares included, interest not.
    """

    symbols: tuple[str, ...]
    ts: NDArray[np.int64]
    equity: NDArray[np.float64]
    cash: NDArray[np.float64]
    gross: NDArray[np.float64]
    positions: NDArray[np.int64]
    trades: NDArray[Any]
    fills: NDArray[Any]
    counters: dict[str, int | float]
    warnings: tuple[str, ...]
    engine_version: str
    starts: NDArray[np.int64]
    position: NDArray[np.float64]
    earned: NDArray[np.float64]
    alerts: NDArray[Any] = field(default_factory=lambda: np.empty(0, ALERT))

    def rows(self, number: int) -> slice:
        """Return where an instrument's series by bar are."""
        return slice(int(self.starts[number]), int(self.starts[number + 1]))


def simulate_portfolio(
    listed: Sequence[Listed], program: Program, config: RunConfig
) -> PortfolioResult:
    """Run a program over instruments that share one account.

    Each instrument has the program to itself, its own position, orders and memory; money, margin
    and `config.allocation` are common. `core.engine.portfolio_kernel` says in which order they are
    served. A program's `warmup` is of no account here: each instrument has its own.

    Parameters
    ----------
    listed : sequence of Listed
        Up to `INSTRUMENTS_AT_MOST`, in any order: they are served in that of their symbols.
    program : Program
    config : RunConfig

    Returns
    -------
    PortfolioResult
        Bit for bit the same for the same arguments on every machine. With one instrument it is
        what `simulate` gives, bit for bit as well (but for interest, to the last bit).

    Raises
    ------
    InvalidInput
        Instruments, columns, rules and configuration do not fit together: all faults at once.
    """
    listed = sorted(listed, key=lambda one: one.symbol)
    _faults_check(listed, program, config)
    starts = np.concatenate([[0], np.cumsum([len(one.bars) for one in listed])]).astype(np.int64)
    by_bar = by_bar_joined(program, config, listed)
    columns = [
        np.concatenate(column) for column in zip(*(one.columns for one in listed), strict=True)
    ]
    plan = plan_lower(program, columns, config, int(starts[-1]), by_bar)
    market = market_joined([one.bars for one in listed])
    fine, told = fine_joined(listed)
    timeline = timeline_find(market.ts, starts)
    moments, rows = len(timeline.ts), int(starts[-1])
    firsts = [
        start + min(first_bar(replace(program, warmup=one.warmup), config), len(one.bars))
        for start, one in zip(starts[:-1], listed, strict=True)
    ]
    agenda = Agenda(
        *timeline,
        acts=acts_of(listed, starts, timeline.ts),
        starts=starts[:-1].copy(),
        firsts=np.array(firsts, np.int64),
        ranks=columns[program.rank].astype(np.float64) if program.rank >= 0 else np.empty(0),
        standing=np.zeros(len(listed)),
        queue=np.empty(len(listed), np.int64),
        gross=np.empty(moments),
        positions=np.empty(moments, np.int64),
    )
    shares = config.allocation.shares([one.symbol for one in listed])
    terms = terms_lower(program, config, shared=len(listed) > 1)
    terms["detailed"] = listed[0].detail is not None
    tables = tables_new(terms, rows, code_layout(program).size, shares)
    curves = Curves(np.empty(moments), np.empty(moments), np.zeros(rows))
    world = _run(Field(market, plan, tables, curves, agenda, fine))
    return _result(world, listed, starts, config, told)


def _run(world: Field) -> Field:
    """Run the kernel to the last moment, with more room whenever it asks for it."""
    kernel = portfolio_load()
    moments = len(world.agenda.ts)
    moment = 0
    while moment < moments:
        moment = kernel(world, moment)
        if moment < moments:
            world = world._replace(tables=world.tables.grown())
    return world


def _result(
    world: Field,
    listed: Sequence[Listed],
    starts: NDArray[np.int64],
    config: RunConfig,
    told: tuple[str, ...],
) -> PortfolioResult:
    tables, agenda, curves = world.tables, world.agenda, world.curves
    counters = dict(zip(tables.counters.dtype.names or (), tables.counters[0].item(), strict=True))
    trades = tables.trades[: tables.account["trades"][0]].copy()
    rows = tables.fills[: tables.account["fills"][0]]
    fills, given = rows[rows["reason"] != NO_FILL], rows[rows["reason"] == NO_FILL]
    alerts = np.empty(len(given), ALERT)
    alerts["ts"] = world.market.ts[given["bar"]]
    for name in ("bar", "rule", "instrument"):
        alerts[name] = given[name]
    # The kernel counts rows; whoever reads the result counts moments.
    fills["bar"] = _moments_of(world, fills["bar"], fills["ts"], fills["reason"])
    exits = (trades["exit_bar"], trades["exit_ts"], trades["exit_reason"])
    trades["exit_bar"] = _moments_of(world, *exits)
    for table, bar in ((trades, "entry_bar"), (alerts, "bar")):
        table[bar] = np.searchsorted(agenda.ts, world.market.ts[table[bar]])
    if tables.terms["detailed"][0]:
        _times_order(fills, trades)
    holding = tables.holding
    earned = holding["earned"] + np.where(holding["lots"] > 0, holding["profit"], 0.0)
    return PortfolioResult(
        symbols=tuple(one.symbol for one in listed),
        ts=agenda.ts,
        equity=curves.equity,
        cash=curves.cash,
        gross=agenda.gross,
        positions=agenda.positions,
        trades=trades,
        fills=fills,
        counters=counters,
        warnings=(
            *told,
            *warnings_write(counters, config),
            *endings_write(_ended(world, listed, starts)),
        ),
        engine_version=ENGINE_VERSION,
        starts=starts,
        position=curves.position,
        earned=earned,
        alerts=alerts,
    )


def _moments_of(
    world: Field, rows: NDArray[np.int64], ts: NDArray[np.int64], reasons: NDArray[Any]
) -> NDArray[np.int64]:
    """Return the moments at which orders filled in the bars `rows`, or of which all was closed."""
    together = np.isin(reasons, (ExitReason.END, ExitReason.RUIN))
    found = np.searchsorted(world.agenda.ts, np.where(together, ts, world.market.ts[rows]))
    return found.astype(np.int64)


def _times_order(fills: NDArray[Any], trades: NDArray[Any]) -> None:
    """Have no fill come before one that it followed in its instrument."""
    for number in np.unique(fills["instrument"]):
        of_fills = np.flatnonzero(fills["instrument"] == number)
        of_trades = np.flatnonzero(trades["instrument"] == number)
        own_fills, own_trades = fills[of_fills], trades[of_trades]
        times_order(own_fills, own_trades)
        fills[of_fills], trades[of_trades] = own_fills, own_trades


def _ended(world: Field, listed: Sequence[Listed], starts: NDArray[np.int64]) -> dict[str, int]:
    """Return the last times of instruments that were held when their bars ended.

    They ended when nothing came for longer than ever before: not over a weekend of theirs.
    """
    found = {}
    for one, last in zip(listed, starts[1:] - 1, strict=True):
        silence = world.agenda.ts[-1] - one.bars.ts[-1]
        if world.curves.position[last] != 0.0 and silence > np.diff(one.bars.ts).max(initial=0):
            found[one.symbol] = int(one.bars.ts[-1])
    return found


def _faults_check(listed: Sequence[Listed], program: Program, config: RunConfig) -> None:
    faults = [*_rank_faults(program, config, len(listed)), *_column_faults(listed, program)]
    if not 1 <= len(listed) <= INSTRUMENTS_AT_MOST:
        rule = f"A portfolio has 1 to {INSTRUMENTS_AT_MOST} instruments, found {len(listed)}."
        faults.append(Detail("symbols", "out_of_range", rule, INSTRUMENTS_AT_MOST, len(listed)))
    for one, other in pairwise(listed):
        if one.symbol == other.symbol:
            text = f"{one.symbol} is listed twice: name each instrument once."
            faults.append(Detail("symbols", "duplicate", text, received=one.symbol))
    for one in listed:
        if not len(one.bars):
            text = f"There are no bars of {one.symbol} to run the program on."
            faults.append(Detail("symbols", "no_bars", text, received=one.symbol))
    without = [one.symbol for one in listed if one.detail is None]
    if 0 < len(without) < len(listed):
        text = f"There are no finer bars of {without[0]}: give them for all instruments or none."
        faults.append(Detail("detail", "required", text, received=without))
    if faults:
        raise InvalidInput(" ".join(one.message for one in faults), details=faults)
    sharing_check([one.symbol for one in listed], config)


def _rank_faults(program: Program, config: RunConfig, count: int) -> list[Detail]:
    faults = []
    columns = len(program.columns)
    if not -1 <= program.rank < columns:
        text = f"program.rank must be one of the {columns} columns or -1, found {program.rank}."
        faults.append(Detail("program.rank", "invalid", text, received=program.rank))
    if config.allocation.rotate and program.rank < 0 and count > 1:
        text = (
            "allocation.rotate lets better instruments take the place of others, but the strategy "
            "ranks none: give it a rank, or leave rotate out."
        )
        faults.append(Detail("allocation.rotate", "conflict", text, "false", "true"))
    return faults


def _column_faults(listed: Sequence[Listed], program: Program) -> list[Detail]:
    """Return which columns have not one value a bar; all together they might have."""
    faults = []
    for one in listed:
        wanted, bars = len(program.columns), len(one.bars)
        if len(one.columns) != wanted:
            text = f"The program wants {wanted} columns, {one.symbol} has {len(one.columns)}."
            path = f"{one.symbol}.columns"
            faults.append(Detail(path, "length_mismatch", text, wanted, len(one.columns)))
        for number, column in enumerate(one.columns):
            if column.shape != (bars,):
                path = f"{one.symbol}.columns[{number}]"
                text = f"{path} must have one value a bar, shape ({bars},), found {column.shape}."
                faults.append(Detail(path, "shape_mismatch", text, [bars], list(column.shape)))
    return faults


def sharing_check(symbols: Sequence[str], config: RunConfig) -> None:
    """Refuse a configuration that instruments cannot share.

    Raises
    ------
    InvalidInput
        With a detail for every fault.
    """
    faults = []
    if config.profile == "reference":
        text = "The reference profile runs one instrument alone: leave profile out."
        faults.append(Detail("profile", "unsupported", text, "standard", config.profile))
    if config.trade_on_close:
        text = "trade_on_close is for one instrument alone: leave it out."
        faults.append(Detail("trade_on_close", "unsupported", text, "false", "true"))
    if faults:
        raise InvalidInput(" ".join(one.message for one in faults), details=faults)
    config.allocation.shares(symbols)
