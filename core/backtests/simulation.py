"""A graph and bars in, numbers and arrays out: the public path through the engine.

Runs from the database and the command line on files both go through here, so they cannot disagree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.backtests.legs import exposure_of, fills_of, trades_of
from core.backtests.plans import plan_get
from core.backtests.times import iso_time
from core.engine.actions import Actions
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.detail import Detail
from core.engine.result import Result
from core.engine.simulate import simulate
from core.errors import InvalidInput
from core.metrics.summary import Summary, summarise
from core.options.chain import Left
from core.options.config import OptionsConfig
from core.options.left import left_by_clock
from core.options.result import OptionsResult
from core.options.simulate import simulate_with_options
from core.sessions.clock import clock_read
from core.sessions.timeframe import timeframe_parse
from strategies.graph.context import NO_CONTEXT, Context
from strategies.graph.evaluate import Evaluation, plan_evaluate
from strategies.graph.plan import Plan, Step
from strategies.graph.timing import days_of_utc, interval_find

StageHook = Callable[[str, float], None]
ENGINE: Final = "engine"
SYNTHETIC: Final = "synthetic_prices"
NO_OPTIONS: Final = OptionsConfig()
# Of the bars: beyond this share the warm-up is told about.
MOST: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """The result of one graph on one series of bars."""

    plan: Plan
    bars: Bars
    evaluation: Evaluation
    result: Result
    summary: Summary
    timings: dict[str, float]


def graph_simulate(
    *,
    graph: Mapping[str, Any],
    graph_hash: str,
    parameters: Mapping[str, Any],
    bars: Bars,
    config: RunConfig,
    periods_per_year: float,
    session_ids: NDArray[np.int64] | None = None,
    context: Context = NO_CONTEXT,
    options: OptionsConfig = NO_OPTIONS,
    detail: Detail | None = None,
    actions: Actions | None = None,
    charts: bool = True,
    stage: StageHook = lambda _name, _progress: None,
) -> Simulation:
    """Compile, evaluate, simulate and summarise.

    Parameters
    ----------
    graph, graph_hash : Mapping, str
        A canonical document and its hash.
    parameters : Mapping
        Values for the graph's parameters; the others take their defaults.
    bars : Bars
        What it runs on.
    config : RunConfig
        Money, costs and the contract of fills.
    periods_per_year : float
        Bars of a year, to annualise by.
    session_ids : ndarray of int64, optional
        Equal for the bars of one session. Without it those of the context, else days of UTC.
    context : Context
        What is known besides the bars: their interval, the exchange's sessions, other instruments.
    options : OptionsConfig
        The market of synthetic options, for strategies that trade them.
    detail : Detail, optional
        Finer bars, on which the order inside of bars is gone through.
    actions : Actions, optional
        Splits and dividends that are not in the prices.
    charts : bool
        Whether to keep the indicators' values.
    stage : callable
        Told the name of each stage and the fraction done; may raise to stop the work.

    Raises
    ------
    InvalidInput
        When the graph cannot run, or its warm-up is longer than the data.
    """
    if session_ids is None:
        session_ids = sessions_of_bars(bars, context)
    clock = StageClock(stage)
    clock.enter("compile", 0.1)
    plan = plan_get(
        graph_hash=graph_hash, graph=graph, parameters=parameters, interval=context.interval
    )
    clock.enter("evaluate", 0.2)
    if context.periods_per_year is None:
        context = replace(context, periods_per_year=periods_per_year)
    evaluation = plan_evaluate(
        plan, bars, context=context, strict_cross=config.profile == "reference", charts=charts
    )
    clock.enter("simulate", 0.5)
    result = result_of(
        bars, evaluation, config, context=context, options=options, session_ids=session_ids,
        detail=detail, actions=actions,
    )  # fmt: skip
    clock.enter("summarise", 0.8)
    summary = summarise(
        ts=bars.ts,
        equity=result.equity,
        trades=trades_of(result),
        position=exposure_of(result),
        close=bars.close if actions is None else actions.held(bars.close),
        initial_cash=config.cash,
        periods_per_year=periods_per_year,
        session_ids=session_ids,
        fills=fills_of(result),
    )
    clock.stop()
    return Simulation(plan, bars, evaluation, result, summary, clock.timings)


def result_of(
    bars: Bars,
    evaluation: Evaluation,
    config: RunConfig,
    *,
    context: Context = NO_CONTEXT,
    options: OptionsConfig = NO_OPTIONS,
    session_ids: NDArray[np.int64] | None = None,
    detail: Detail | None = None,
    actions: Actions | None = None,
) -> Result:
    """Run the program of an evaluation, with options where it has rules for them.

    Raises
    ------
    InvalidInput
        Also where there are finer bars, splits or dividends for a program that trades options.
    """
    columns, program = evaluation.columns, evaluation.program
    if not program.option_rules:
        return simulate(
            bars, columns, program, config, sessions=session_ids, detail=detail, actions=actions
        )
    if detail is not None or actions is not None:
        raise InvalidInput(
            "Strategies that trade options take adjusted bars as they are: leave detail_interval "
            "and adjustment out.",
            code="unsupported",
        )
    return simulate_with_options(
        bars,
        columns,
        program,
        config,
        options_config=options,
        session_ids=session_ids,
        sessions=None if context.sessions is None else context.sessions.dates,
        left=left_of_sessions(bars, context),
        underlying=context.symbol or "",
    )


def sessions_of_bars(bars: Bars, context: Context) -> NDArray[np.int64] | None:
    """Return the session of each bar as days from 1970-01-01; None where none are known."""
    if context.sessions is None:
        return None
    interval = timeframe_parse(interval_find(bars, context.interval))
    return clock_read(bars.ts, context.sessions, interval).session


def left_of_sessions(bars: Bars, context: Context) -> Left:
    """Return how much of its session is left at the open and at the close of each bar."""
    interval = timeframe_parse(interval_find(bars, context.interval))
    return left_by_clock(bars.ts, context.sessions or days_of_utc([bars]), interval)


def warnings_of(simulation: Simulation) -> list[dict[str, Any]]:
    """Return the warnings of the graph and of the engine in one shape."""
    of_graph = [
        {"code": warning.code, "message": warning.message, "node_id": warning.node_id}
        for warning in (*simulation.plan.warnings, *simulation.evaluation.warnings)
    ]
    result = simulation.result
    # What a result with options says first is that nobody ever quoted its prices.
    first = SYNTHETIC if isinstance(result, OptionsResult) else ENGINE
    of_engine = [
        {"code": ENGINE if number else first, "message": message, "node_id": None}
        for number, message in enumerate(result.warnings)
    ]
    return [*of_graph, *warmup_warnings(simulation), *of_engine]


def warmup_warnings(simulation: Simulation) -> list[dict[str, Any]]:
    """Return a warning where most of the bars passed before the first decision could be made."""
    warmup, total = simulation.evaluation.program.warmup, len(simulation.bars)
    if not total * MOST < warmup < total:
        return []
    slowest = _slowest(simulation.plan)
    message = (
        f"The first decision could be made at bar {warmup} of {total} "
        f"({iso_time(simulation.bars.ts[warmup])}): {warmup / total:.0%} of the data went into the "
        f"warm-up, most of it for {slowest.node_id!r}. Start earlier, or shorten its period or "
        "time frame."
    )
    return [{"code": "warmup_long", "message": message, "node_id": slowest.node_id}]


def _slowest(plan: Plan) -> Step:
    """Return the step that adds most to the warm-up of what feeds it."""
    reached = {slot: step.lookback for step in plan.steps for slot in step.outputs}
    return max(
        (step for step in plan.steps if step.awaited),
        key=lambda step: step.lookback - max((reached[slot] for slot in step.inputs), default=0),
    )


class StageClock:
    """Measures the stages in milliseconds while telling of them."""

    def __init__(self, stage: StageHook) -> None:
        self.timings: dict[str, float] = {}
        self._stage = stage
        self._name = ""
        self._since = 0.0

    def enter(self, name: str, progress: float) -> None:
        """End the stage before and begin the next; the hook may raise."""
        self.stop()
        self._stage(name, progress)
        self._name, self._since = name, time.perf_counter()

    def stop(self) -> None:
        """End the stage under way."""
        if self._name:
            self.timings[self._name] = round((time.perf_counter() - self._since) * 1000, 3)
