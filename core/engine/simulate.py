"""The engine's one public call: bars, columns and a program in, a result out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.engine.code_lowering import code_layout
from core.engine.compiled import kernel_load
from core.engine.config import RunConfig
from core.engine.lowering import by_bar_of, first_bar, plan_lower, terms_lower
from core.engine.program import Program
from core.engine.result import ALERT, NO_FILL, Result
from core.engine.state import Curves, Market, Plan, Tables, tables_new
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

    Returns
    -------
    Result
        Bit for bit the same for the same arguments on every machine.

    Raises
    ------
    InvalidInput
        There are no bars, or columns and rules do not fit together: all faults at once.
    """
    if not len(bars):
        raise InvalidInput("There are no bars to run the program on.", code="no_bars")
    by_bar = by_bar_of(program, config, bars, sessions)
    plan = plan_lower(program, columns, config, len(bars), by_bar)
    curves = Curves(*np.empty((3, len(bars)), np.float64))
    start = min(first_bar(program, config), len(bars))
    curves.equity[:start] = config.cash
    curves.cash[:start] = config.cash
    curves.position[:start] = 0.0
    prices = (bars.ts, bars.open, bars.high, bars.low, bars.close)
    market = Market(*map(_read_only, prices))
    terms = terms_lower(program, config)
    tables = tables_new(terms, len(bars), code_layout(program).size)
    tables = _run(market, plan, tables, curves, start)
    counters = dict(zip(tables.counters.dtype.names or (), tables.counters[0].item(), strict=True))
    fills, alerts = alerts_apart(tables.fills[: tables.account["fills"][0]], bars)
    return Result(
        equity=curves.equity,
        cash=curves.cash,
        position=curves.position,
        trades=tables.trades[: tables.account["trades"][0]],
        fills=fills,
        counters=counters,
        warnings=warnings_write(counters, config),
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


def _run(market: Market, plan: Plan, tables: Tables, curves: Curves, start: int) -> Tables:
    """Run the kernel to the last bar, with more room whenever it asks for it."""
    kernel = kernel_load()
    bars = market.close.size
    bar = start
    while bar < bars:
        bar = kernel(market, plan, tables, curves, bar)
        if bar < bars:
            tables = tables.grown()
    return tables
