"""Evaluating a plan over bars: columns for the engine, series for charts.

Warm-up
-------
A series is *defined from* its first value that is not NaN. A truth computed from series is
defined from the bar at which all of them are, plus the bars that the condition itself looks back
(a crossing needs one). Decisions start at the first bar at which every column of every rule is
defined: `program.warmup`. So a condition turned round by `not` cannot act while its indicators
have no value yet.

For the reference profile (`strict_cross=True`) the rule is the reference engine's own:
``1 + max(first value that is not NaN)`` over all numbers that a rule depends on, at least 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.engine.program import Program
from core.errors import Detail, InvalidInput
from strategies.graph.catalogue.forms import Frame, Series
from strategies.graph.context import NO_CONTEXT, Context
from strategies.graph.plan import Plan, Step
from strategies.graph.timeframes import timeframe_seconds

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
        If there are too few bars, or bars of another time frame than nodes name.
    """
    _check_length(plan, bars)
    _check_timeframe(plan, bars, context)
    frame = Frame(bars, strict_cross)
    run = _Run(plan, frame)
    with np.errstate(all="ignore"):
        for step in plan.steps:
            run.step(step, keep=charts)
    columns = tuple(np.ascontiguousarray(frame.full(run.slots[slot])) for slot in plan.columns)
    program = replace(plan.program, warmup=run.warmup())
    return Evaluation(columns, program, run.overlays, run.panels, tuple(run.warnings))


class _Run:
    """The slots of one evaluation, filled step by step and freed as soon as possible."""

    def __init__(self, plan: Plan, frame: Frame) -> None:
        self.plan = plan
        self.frame = frame
        self.length = len(frame.bars)
        self.slots: list[Any] = [None] * plan.slots
        self.defined_from = [0] * plan.slots
        self.first_number = 0
        self.overlays: dict[str, Series] = {}
        self.panels: dict[str, Series] = {}
        self.warnings: list[Detail] = []

    def step(self, step: Step, *, keep: bool) -> None:
        """Compute one step."""
        slots = self.slots
        found = step.compute(self.frame, step.values, [slots[slot] for slot in step.inputs])
        fed_from = max((self.defined_from[slot] for slot in step.inputs), default=0)
        for slot, series in zip(step.outputs, found, strict=True):
            slots[slot] = series
            self.defined_from[slot] = fed_from + step.own_lookback
        for slot in step.measured:
            self._measure(step, slot)
        chart = self.plan.charts.get(step.key) if keep else None
        if chart is not None:
            kept = self.overlays if chart.on_price else self.panels
            kept.update(zip(chart.labels, found, strict=True))
        for slot in step.frees:
            slots[slot] = None

    def warmup(self) -> int:
        """Return the first bar at which a decision may be made."""
        if self.frame.strict_cross:
            return min(1 + self.first_number, self.length)
        defined = (self.defined_from[slot] for slot in self.plan.columns)
        return min(max(defined, default=0), self.length)

    def _measure(self, step: Step, slot: int) -> None:
        """Note where a series has its first value."""
        first = first_defined(self.slots[slot], expected=step.lookback, length=self.length)
        self.defined_from[slot] = first
        self.first_number = max(self.first_number, first)
        if first == self.length:
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


_BARS_LOOKED_AT = 1_000


def _check_length(plan: Plan, bars: Bars) -> None:
    length = len(bars)
    if plan.lookback < length:
        return
    longest = max(plan.steps, key=lambda step: step.lookback)
    message = (
        f"The strategy needs {plan.lookback + 1} bars before its first decision (because of "
        f"{longest.node_id!r}), but there are {length}: start earlier, or shorten its periods."
    )
    detail = Detail(
        "nodes",
        "warmup_exceeds_data",
        message,
        expected=plan.lookback + 1,
        received=length,
        node_id=longest.node_id,
    )
    raise InvalidInput(message, code="warmup_exceeds_data", details=[detail])


def _check_timeframe(plan: Plan, bars: Bars, context: Context) -> None:
    """Refuse to compute a node on bars of another time frame than it names."""
    if plan.timeframe is None or plan.timeframe == context.interval or len(bars) < 2:
        return
    spacing = float(np.diff(bars.ts[:_BARS_LOOKED_AT]).min()) / 1e9
    expected = timeframe_seconds(plan.timeframe)
    # Days of local time last 23 hours once a year, months 28 days.
    if 0.9 * expected <= spacing <= 1.1 * expected:
        return
    message = (
        f"Nodes ask for bars of {plan.timeframe!r}, but the bars are {spacing:g} seconds apart: "
        "run on that interval, or leave out the time frame."
    )
    detail = Detail(
        "nodes", "not_supported", message, expected=plan.timeframe, received=f"{spacing:g} s"
    )
    raise InvalidInput(message, details=[detail])
