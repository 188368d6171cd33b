"""The engine's one public call: bars, columns and a program in, a result out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.actions import Actions, stretches_of
from core.engine.bars import Bars
from core.engine.code_lowering import code_layout
from core.engine.compiled import kernel_load
from core.engine.config import RunConfig
from core.engine.detail import Detail, Finer, finer_fit
from core.engine.lowering import by_bar_of, first_bar, plan_lower, terms_lower
from core.engine.program import Program
from core.engine.result import ALERT, NO_FILL, Result
from core.engine.state import Curves, Market, Plan
from core.engine.stretch import Fine, Stretch
from core.engine.tables import Tables, tables_new
from core.engine.version import ENGINE_VERSION
from core.engine.warnings import warnings_write
from core.errors import InvalidInput


def simulate(
    bars: Bars,
    columns: Sequence[NDArray[Any]],
    program: Program,
    config: RunConfig,
    *,
    sessions: NDArray[np.int64] | None = None,
    detail: Detail | None = None,
    actions: Actions | None = None,
) -> Result:
    """Run a program over bars.

    Parameters
    ----------
    bars : Bars
        At least one bar.
    columns : sequence of ndarray, each of shape (len(bars),)
        What `program.columns` names, in that order: bool for triggers, float64 for the levels of
        stops, either for the code. A NaN level makes an entry that needs it be rejected.
    program : Program
    config : RunConfig
    sessions : ndarray of int64, shape (len(bars),), optional
        A number for the session of each bar, for orders that are for a day; days in UTC if absent.
    detail : Detail, optional
        Finer bars, on which bars are gone through in which orders or guards may act.
    actions : Actions, optional
        Splits and dividends that are not in the prices.

    Returns
    -------
    Result
        Bit for bit the same for the same arguments on every machine.

    Raises
    ------
    InvalidInput
        There are no bars, or columns and rules do not fit together: all faults at once. The finer
        bars or the actions do not fit the bars, or the profile is the reference's, which knows
        neither.
    """
    if not len(bars):
        raise InvalidInput("There are no bars to run the program on.", code="no_bars")
    if config.profile == "reference" and (detail is not None or actions is not None):
        raise InvalidInput(
            "The reference profile knows no finer bars, no splits and no dividends: leave "
            "detail_interval and adjustment out, or choose the standard profile.",
            code="unsupported",
        )
    splits = None if actions is None else actions.splits_of(bars)
    finer = NOTHING_FINER if detail is None else finer_fit(bars, detail)
    by_bar = by_bar_of(program, config, bars, sessions, splits)
    plan = plan_lower(program, columns, config, len(bars), by_bar)
    curves = Curves(*np.empty((3, len(bars)), np.float64))
    start = min(first_bar(program, config), len(bars))
    curves.equity[:start] = config.cash
    curves.cash[:start] = config.cash
    curves.position[:start] = 0.0
    terms = terms_lower(program, config)
    terms["detailed"] = detail is not None
    tables = tables_new(terms, len(bars), code_layout(program).size)
    fine = NO_FINE if detail is None else fine_of(finer)
    stretches = stretches_of(actions, start, len(bars), fine)
    tables = _run(market_of(bars), plan, tables, curves, stretches)
    counters = dict(zip(tables.counters.dtype.names or (), tables.counters[0].item(), strict=True))
    fills, alerts = alerts_apart(tables.fills[: tables.account["fills"][0]], bars)
    trades = tables.trades[: tables.account["trades"][0]]
    if detail is not None:
        times_order(fills, trades)
    return Result(
        equity=curves.equity,
        cash=curves.cash,
        position=curves.position,
        trades=trades,
        fills=fills,
        counters=counters,
        warnings=(*finer.warnings, *warnings_write(counters, config)),
        engine_version=ENGINE_VERSION,
        alerts=alerts,
    )


def alerts_apart(rows: NDArray[Any], bars: Bars) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the fills and the alerts among the kernel's rows."""
    filled = rows["reason"] != NO_FILL
    if filled.all():
        return rows, np.empty(0, ALERT)
    given = rows[~filled]
    alerts = np.empty(len(given), ALERT)
    alerts["bar"] = given["bar"]
    alerts["ts"] = bars.ts[given["bar"]]
    alerts["rule"] = given["rule"]
    alerts["instrument"] = given["instrument"]
    return rows[filled], alerts


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written: to numba that is a type of its own."""
    if column.flags.writeable:
        column = column.view()
        column.flags.writeable = False
    return column


def times_order(fills: NDArray[Any], trades: NDArray[Any]) -> None:
    """Have no fill come before the one that it followed.

    What fills at the open or the close of a bar has the time of the bar, which may be before that
    of its finer bars.
    """
    np.maximum.accumulate(fills["ts"], out=fills["ts"])
    np.maximum(trades["exit_ts"], trades["entry_ts"], out=trades["exit_ts"])
    np.maximum.accumulate(trades["exit_ts"], out=trades["exit_ts"])


def market_of(bars: Bars) -> Market:
    """Return bars as the kernel takes them."""
    return Market(*map(_read_only, (bars.ts, bars.open, bars.high, bars.low, bars.close)))


def fine_of(finer: Finer) -> Fine:
    """Return finer bars as the kernel takes them."""
    return Fine(market_of(finer.bars), finer.firsts, finer.stops)


NOTHING_FINER: Final = Finer()
NO_FINE: Final = fine_of(NOTHING_FINER)


def _run(
    market: Market, plan: Plan, tables: Tables, curves: Curves, stretches: Sequence[Stretch]
) -> Tables:
    """Run the kernel stretch by stretch, with more room whenever it asks for it."""
    kernel = kernel_load()
    for stretch in stretches:
        if stretch.start > stretches[0].start:
            tables = tables.grown()  # for what a split leaves
        bar = kernel(market, plan, tables, curves, stretch)
        while bar < stretch.stop:
            tables = tables.grown()
            bar = kernel(market, plan, tables, curves, stretch.rest(bar))
        if bar > stretch.stop:  # ruined
            break
    return tables
