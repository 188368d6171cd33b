"""A graph and the bars of many instruments in, one account out: the public path of portfolios."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.backtests.instruments import instrument_rows
from core.backtests.plans import data_check, plan_get
from core.backtests.simulation import StageClock, StageHook
from core.engine.actions import Actions
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.detail import Detail as FinerBars
from core.engine.listed import Listed
from core.engine.portfolio import PortfolioResult, simulate_portfolio
from core.errors import Detail, InvalidInput
from core.metrics.summary import Summary, summarise
from strategies.graph.context import NO_CONTEXT, Context
from strategies.graph.evaluate import Evaluation, plan_evaluate
from strategies.graph.plan import Plan

SessionsOf = Callable[[NDArray[np.int64]], NDArray[np.int64] | None]


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """One instrument of a portfolio, and what is known besides its bars.

    `actions` are the splits and dividends that are not in its prices, `detail` its finer bars.
    """

    symbol: str
    bars: Bars
    context: Context = NO_CONTEXT
    session_ids: NDArray[np.int64] | None = None
    actions: Actions | None = None
    detail: FinerBars | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioSimulation:
    """The result of one graph on many instruments.

    Attributes
    ----------
    plan : Plan
    result : PortfolioResult
    summary : Summary
        Of the account. To buy and hold is to put equal parts into all instruments, each at its
        first close.
    basket : ndarray of float64, shape (m,)
        What that would have made of 1.
    rows : list of dict
        What each instrument did, as `core.backtests.instruments` says.
    warnings : list of dict
        `{"code", "message", "node_id"}` of the graph on its instruments, and of the engine.
    timings : dict of str to float
        Milliseconds of each stage.
    """

    plan: Plan
    result: PortfolioResult
    summary: Summary
    basket: NDArray[np.float64]
    rows: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    timings: dict[str, float]


def graph_simulate_portfolio(
    *,
    graph: Mapping[str, Any],
    graph_hash: str,
    parameters: Mapping[str, Any],
    instruments: Sequence[Instrument],
    config: RunConfig,
    periods_per_year: float,
    sessions_of: SessionsOf = lambda _ts: None,
    stage: StageHook = lambda _name, _progress: None,
) -> PortfolioSimulation:
    """Compile once, evaluate for each instrument, simulate them together and summarise.

    Parameters
    ----------
    graph, graph_hash, parameters, config, periods_per_year, stage
        As `core.backtests.simulation.graph_simulate` takes them.
    instruments : sequence of Instrument
        In any order; their bars are of one interval.
    sessions_of : callable
        The session of each of some times, where the instruments have their sessions in common.

    Raises
    ------
    InvalidInput
        When the graph cannot run on one of the instruments; the message names it.
    """
    clock = StageClock(stage)
    clock.enter("compile", 0.1)
    interval = instruments[0].context.interval if instruments else None
    plan = plan_get(graph_hash=graph_hash, graph=graph, parameters=parameters, interval=interval)
    if plan.program.option_rules:
        message = "The strategy trades options: run it on one instrument at a time."
        raise InvalidInput(message, details=[Detail("symbols", "unsupported", message)])
    clock.enter("evaluate", 0.2)
    evaluations = {one.symbol: _evaluate(plan, one) for one in instruments}
    clock.enter("simulate", 0.5)
    listed = [
        Listed(
            one.symbol,
            one.bars,
            evaluations[one.symbol].columns,
            evaluations[one.symbol].program.warmup,
            one.session_ids,
            one.actions,
            one.detail,
        )
        for one in instruments
    ]
    result = simulate_portfolio(listed, plan.program, config)
    clock.enter("summarise", 0.8)
    ordered = sorted(instruments, key=lambda one: one.symbol)
    held = [
        one.bars.close if one.actions is None else one.actions.held(one.bars.close)
        for one in ordered
    ]
    basket = basket_of([one.bars.ts for one in ordered], held, result.ts)
    summary = summarise(
        ts=result.ts,
        equity=result.equity,
        trades=result.trades,
        position=result.equity - result.cash,
        close=basket,
        initial_cash=config.cash,
        periods_per_year=periods_per_year,
        session_ids=sessions_of(result.ts),
        fills=result.fills,
    )
    rows = instrument_rows(result, [one.bars for one in ordered], held, cash=config.cash)
    clock.stop()
    told = _warnings(plan, evaluations, result)
    return PortfolioSimulation(plan, result, summary, basket, rows, told, clock.timings)


def basket_of(
    times: Sequence[NDArray[np.int64]], held: Sequence[NDArray[np.float64]], ts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what equal parts of 1 become, each held in an instrument from its first close on.

    Where an instrument has no bar its last close counts; before its first its part is cash.

    Parameters
    ----------
    times : sequence of ndarray
        Of the bars of each instrument.
    held : sequence of ndarray
        What one unit that was bought at the first close is worth at each.
    ts : ndarray
        Of the result.
    """
    total = np.zeros(len(ts))
    for own, worth in zip(times, held, strict=True):
        value = worth / worth[0] if worth[0] > 0.0 else np.ones(len(worth))
        if len(own) != len(ts):
            place = np.searchsorted(own, ts, side="right") - 1
            value = np.where(place < 0, 1.0, value[np.maximum(place, 0)])
        total += value
    return total / len(times)


def instrument_check(plan: Plan, instrument: Instrument, *, named: bool) -> None:
    """Refuse an instrument whose bars are too few; `named` says which it is.

    Raises
    ------
    InvalidInput
        Saying how many bars it takes.
    """
    try:
        data_check(plan=plan, bars=instrument.bars, context=instrument.context)
    except InvalidInput as error:
        raise (_named(error, instrument) if named else error) from error


def _evaluate(plan: Plan, instrument: Instrument) -> Evaluation:
    """Compute the columns of a plan for one instrument; faults name it."""
    try:
        return plan_evaluate(plan, instrument.bars, context=instrument.context, charts=False)
    except InvalidInput as error:
        raise _named(error, instrument) from error


def _named(error: InvalidInput, instrument: Instrument) -> InvalidInput:
    message = f"{instrument.symbol}: {error.message}"
    return InvalidInput(message, code=error.code, details=error.details)


def _warnings(
    plan: Plan, evaluations: Mapping[str, Evaluation], result: PortfolioResult
) -> list[dict[str, Any]]:
    """Return what the graph, its instruments and the engine have to say, each thing once."""
    told = {
        (one.code, one.node_id, one.message): one
        for evaluation in evaluations.values()
        for one in evaluation.warnings
    }
    of_graph = [
        {"code": one.code, "message": one.message, "node_id": one.node_id}
        for one in (*plan.warnings, *told.values())
    ]
    of_engine = [
        {"code": "engine", "message": message, "node_id": None} for message in result.warnings
    ]
    return [*of_graph, *of_engine]
