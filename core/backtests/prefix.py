"""The prefix proof of decisions and fills: what happened by a bar must not depend on later ones.

`strategies.graph.proof` proves the columns; this proves what the engine makes of them. A strategy
that knows only the bars up to a cut is played out for one bar more, on which nothing is decided:
so what it decided at the cut itself is seen by what fills.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.backtests.simulation import NO_OPTIONS, result_of, sessions_of_bars
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.result import Result
from core.options.config import OptionsConfig
from core.options.result import OptionsResult
from strategies.graph.context import NO_CONTEXT, Context
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.plan import Plan


@dataclass(frozen=True, slots=True)
class FillsProof:
    """What the proof found.

    Attributes
    ----------
    ok : bool
        Whether every cut gave the fills and the equity of the whole run.
    fills : int
        Fills of the whole run.
    bar : int or None
        The first bar at which a run that ended later did something else.
    cuts : tuple of int
        The last bars of the data that were tried; up to the one that differed.
    """

    ok: bool
    fills: int
    bar: int | None = None
    cuts: tuple[int, ...] = ()


def fills_proof(
    *,
    plan: Plan,
    bars: Bars,
    config: RunConfig,
    cuts: Sequence[int],
    context: Context = NO_CONTEXT,
    options: OptionsConfig = NO_OPTIONS,
) -> FillsProof:
    """Prove on samples that fills and equity do not look ahead.

    Parameters
    ----------
    plan : Plan
    bars : Bars
    config : RunConfig
        Positions are left open at the end whatever it says: an end closes them, and each cut is
        one.
    cuts : sequence of int
        The last bars that the shorter runs know, such as `strategies.graph.proof.Proof.cuts`;
        never the last of all.
    context : Context
        The other instruments' bars are cut off at the same time.
    options : OptionsConfig
        The market of synthetic options, for strategies that trade them.

    Raises
    ------
    InvalidInput
        If the plan cannot run on these bars.
    """
    config = dataclasses.replace(config, liquidate_at_end=False)
    run = partial(_run, plan, config, context, options, sessions=sessions_of_bars(bars, context))
    whole = run(bars, known=len(bars))
    count = sum(len(table) for table in _tables(whole))
    tried: list[int] = []
    for cut in cuts:
        tried.append(cut)
        part = run(bars.slice(0, cut + 2), known=cut + 1)
        # An order at the close that decides it fills in that very bar, unless it is the last one.
        bar = _first_difference(part, whole, cut if config.trade_on_close else cut + 1)
        if bar is not None:
            return FillsProof(ok=False, fills=count, bar=bar, cuts=tuple(tried))
    return FillsProof(ok=True, fills=count, cuts=tuple(tried))


def _run(
    plan: Plan,
    config: RunConfig,
    context: Context,
    options: OptionsConfig,
    bars: Bars,
    *,
    sessions: NDArray[np.int64] | None,
    known: int,
) -> Result:
    """Run a plan over bars of which it knows the first ones; at the others nothing is true."""
    evaluation = plan_evaluate(
        plan,
        bars.slice(0, known),
        context=context_cut(context, int(bars.ts[known - 1])) if known < len(bars) else context,
        strict_cross=config.profile == "reference",
        charts=False,
    )
    columns = tuple(_padded(column, len(bars)) for column in evaluation.columns)
    padded = dataclasses.replace(evaluation, columns=columns)
    ids = None if sessions is None else sessions[: len(bars)]
    return result_of(bars, padded, config, context=context, options=options, session_ids=ids)


def _tables(result: Result) -> list[NDArray[Any]]:
    """Return the fills of a result, in shares and in options."""
    if isinstance(result, OptionsResult):
        return [result.fills, result.option_fills]
    return [result.fills]


def context_cut(context: Context, last_ts: int) -> Context:
    """Return what was known of the other instruments when the bar of `last_ts` was the last one."""
    if not context.others:
        return context
    others = {
        name: bars.slice(0, int(np.searchsorted(bars.ts, last_ts, side="right")))
        for name, bars in context.others.items()
    }
    return dataclasses.replace(context, others=others)


def _padded(column: NDArray[Any], length: int) -> NDArray[Any]:
    """Return a column with False, or NaN, up to a length."""
    if len(column) == length:
        return column
    padded = np.full(length, False if column.dtype == np.bool_ else np.nan, column.dtype)
    padded[: len(column)] = column
    return padded


def _first_difference(part: Result, whole: Result, last: int) -> int | None:
    """Return the first bar up to the last at which two runs differ; None if there is none."""
    bars: list[int] = []
    for known, later in zip(_tables(part), _tables(whole), strict=True):
        bars.extend(_fills_difference(known, later, last))
    differs = values_differ(part.equity[: last + 1], whole.equity[: last + 1])
    if differs.any():
        bars.append(int(differs.argmax()))
    return min(bars, default=None)


def _fills_difference(part: NDArray[Any], whole: NDArray[Any], last: int) -> list[int]:
    """Return the bars of the first fills up to the last bar that differ, of either table."""
    ours, theirs = (fills[fills["bar"] <= last] for fills in (part, whole))
    both = min(len(ours), len(theirs))
    found = rows_differ(ours[:both], theirs[:both])
    first = int(found.argmax()) if found.any() else both
    return [int(fills["bar"][first]) for fills in (ours, theirs) if first < len(fills)]


def rows_differ(ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows of two equally long structured arrays differ in a bit, NaN being equal."""
    differ = np.zeros(len(ours), np.bool_)
    for name in ours.dtype.names or ():
        differ |= values_differ(ours[name], theirs[name])
    return differ


def values_differ(ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values of two columns differ in a bit, NaN being equal to NaN."""
    if ours.dtype != np.float64:
        return np.asarray(ours != theirs)
    bits = [np.ascontiguousarray(values).view(np.int64) for values in (ours, theirs)]
    return np.asarray((bits[0] != bits[1]) & ~(np.isnan(ours) & np.isnan(theirs)))
