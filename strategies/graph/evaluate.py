"""Evaluating a plan over bars: columns for the engine, series for charts.

Warm-up
-------
A series is *defined from* its first value that is not NaN. A truth computed from series is
defined from the bar at which all of them are, plus the bars that the condition itself looks back
(a crossing needs one). Decisions start at the first bar at which every column of every rule is
defined: `program.warmup`. So a condition turned round by `not` cannot act while its indicators
have no value yet. The column by which instruments are ranked is of no rule.

For the reference profile (`strict_cross=True`) the rule is the reference engine's own:
``1 + max(first value that is not NaN)`` over all numbers that a rule depends on, at least 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.engine.program import Program
from core.errors import Detail
from strategies.graph.catalogue.forms import Series
from strategies.graph.context import NO_CONTEXT, Context
from strategies.graph.frames import Frames
from strategies.graph.plan import Plan, Step
from strategies.graph.scope import RUN, Scope
from strategies.graph.starts import scopes_check, starts_find, warmup_error
from strategies.graph.timeframes import timeframe_canonical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.engine.bars import Bars


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a plan gives on some bars.

    Attributes
    ----------
    columns : tuple of ndarray
        In the order of `program.columns`: bool triggers, float64 series of stops; one value a
        bar. They may share memory with the bars: do not write to them.
    program : Program
        The plan's, with the warm-up that the data have.
    overlays : dict of ndarray
        Indicators on the price's scale by their legend: "sma(10)".
    panels : dict of ndarray
        The other indicators: "rsi(14)", "macd(12,26,9).signal".
    warnings : tuple of Detail
        What is odd about the graph on these data.
    """

    columns: tuple[NDArray[Any], ...]
    program: Program
    overlays: Mapping[str, NDArray[np.float64]]
    panels: Mapping[str, NDArray[np.float64]]
    warnings: tuple[Detail, ...] = ()


def plan_evaluate(
    plan: Plan,
    bars: Bars,
    *,
    context: Context = NO_CONTEXT,
    strict_cross: bool = False,
    charts: bool = True,
) -> Evaluation:
    """Compute the columns of a plan.

    Parameters
    ----------
    plan : Plan
        From `graph_compile`.
    bars : Bars
        At least `plan.lookback + 1` of them.
    context : Context
        What is known besides the bars: their interval, the exchange's sessions, other instruments.
    strict_cross : bool
        Whether crossings and warm-up follow the reference engine (profile "reference"): a touch
        in between ends a crossing.
    charts : bool
        Whether to keep the indicators' values for charts.

    Raises
    ------
    InvalidInput
        If there are too few bars, if those of an instrument are missing, or if a time frame that
        nodes name cannot be made of them.
    ValueError
        If the plan was compiled for another interval than the context has.
    """
    _check_length(plan, bars)
    _check_interval(plan, context)
    frames = Frames(bars, context, interval=plan.timeframe, strict_cross=strict_cross)
    scopes_check(plan, frames)
    run = _Run(plan, frames)
    with np.errstate(all="ignore"):
        for step in plan.steps:
            run.step(step, keep=charts)
    full = frames.get(RUN).full
    columns = tuple(np.ascontiguousarray(full(run.slots[slot])) for slot in plan.columns)
    program = replace(plan.program, warmup=run.warmup())
    return Evaluation(columns, program, run.overlays, run.panels, tuple(run.warnings))


class _Run:
    """The slots of one evaluation, filled step by step and freed as soon as possible."""

    def __init__(self, plan: Plan, frames: Frames) -> None:
        self.plan = plan
        self.frames = frames
        self.own = frames.get(RUN)
        self.expected = starts_find(plan, frames)
        self.slots: list[Any] = [None] * plan.slots
        self.defined_from = [0] * plan.slots
        self.first_number = 0
        self.overlays: dict[str, Series] = {}
        self.panels: dict[str, Series] = {}
        self.warnings: list[Detail] = []

    def step(self, step: Step, *, keep: bool) -> None:
        """Compute one step."""
        slots = self.slots
        frame = self.own if step.scope is RUN else self.frames.get(step.scope)
        found = step.compute(frame, step.values, [slots[slot] for slot in step.inputs])
        fed_from = max([0, *[self.defined_from[slot] for slot in step.inputs]])
        if step.source is not None:
            fed_from = frame.first_known(fed_from, step.source)
        for slot, series in zip(step.outputs, found, strict=True):
            slots[slot] = series
            self.defined_from[slot] = fed_from + step.own_lookback if step.awaited else 0
        for slot in step.measured:
            self._measure(step, slot, len(frame.bars))
        chart = self.plan.charts.get(step.key) if keep else None
        if chart is not None:
            kept = self.overlays if chart.on_price else self.panels
            shown = found if frame is self.own else self._carried(found, step.scope)
            kept.update(zip(chart.labels, shown, strict=True))
        for slot in step.frees:
            slots[slot] = None

    def _carried(self, found: tuple[Series, ...], scope: Scope) -> tuple[Series, ...]:
        """Return series of other bars as a chart of the run shows them: as they were known."""
        return tuple(self.own.carried(series, scope) for series in found)

    def warmup(self) -> int:
        """Return the first bar at which a decision may be made."""
        length = len(self.own.bars)
        if self.own.strict_cross:
            return min(1 + self.first_number, length)
        defined = (self.defined_from[slot] for slot in self.plan.columns)
        return min(max(defined, default=0), length)

    def _measure(self, step: Step, slot: int, length: int) -> None:
        """Note where a series has its first value."""
        first = first_defined(self.slots[slot], expected=self.expected[slot], length=length)
        self.defined_from[slot] = first
        if step.scope is RUN or step.scope == RUN:
            self.first_number = max(self.first_number, first)
        if first == length and all(step.node_id != one.node_id for one in self.warnings):
            self.warnings.append(
                Detail(
                    "nodes",
                    "never_defined",
                    f"{step.node_id!r} has no value at any bar of these data, so nothing trades.",
                    node_id=step.node_id,
                )
            )


def first_defined(series: Series, *, expected: int, length: int) -> int:
    """Return the index of the first value that is not NaN; `length` if there is none.

    Parameters
    ----------
    series : ndarray
        One value a bar, or 0-d.
    expected : int
        Where it should be: the search looks there first, so that it rarely reads more.
    length : int
        Number of bars.
    """
    if not series.ndim:
        return length if np.isnan(series) else 0
    for stop in (expected + 1, length):
        missing = np.isnan(series[:stop])
        first = int(missing.argmin())
        if not missing[first]:
            return first
    return length


def _check_length(plan: Plan, bars: Bars) -> None:
    length = len(bars)
    if plan.lookback < length:
        return
    awaited = (step for step in plan.steps if step.awaited)
    longest = max(awaited, key=lambda step: step.lookback)
    raise warmup_error(longest.node_id, needed=plan.lookback + 1, found=length)


def _check_interval(plan: Plan, context: Context) -> None:
    """Refuse a mistake of the caller: compiling settled which nodes are on the run's own bars."""
    named = timeframe_canonical(context.interval) if context.interval else None
    if named is not None and plan.timeframe not in {None, named}:
        raise ValueError(f"the plan was compiled for {plan.timeframe}, but the bars are of {named}")
