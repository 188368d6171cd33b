"""The only place where a model and the engine meet: a run's row in, its outcome out."""

from __future__ import annotations

import dataclasses
import time
from datetime import date, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.backtests.alerts import alert_rows
from core.backtests.columns import OVERLAY, PANEL
from core.backtests.corporate import actions_of, split_warnings
from core.backtests.detail import detail_read
from core.backtests.listing import instruments_read, listing_read
from core.backtests.models import BacktestRun
from core.backtests.outcome import Outcome
from core.backtests.plans import plan_get
from core.backtests.portfolio import graph_simulate_portfolio
from core.backtests.settings import RunSettings
from core.backtests.simulation import Simulation, StageHook, graph_simulate, warnings_of
from core.backtests.surroundings import surroundings_read
from core.options.result import OptionsResult
from market.calendars import periods_per_year, session_ids
from market.reports import bars_check
from market.store import StoredBars, bars_read

FAULTS_SAID: Final = 5


def run_compute(*, run: BacktestRun, stage: StageHook) -> Outcome:
    """Read the bars of a run and simulate its pinned version on them, one instrument or many.

    Parameters
    ----------
    run : BacktestRun
    stage : callable
        Told the name of each stage and the fraction done; may raise to stop the work.

    Raises
    ------
    ApplicationError
        When the run as its owner asked for it cannot be done.
    """
    return portfolio_compute(run, stage) if run.symbols else instrument_compute(run, stage)


def portfolio_compute(run: BacktestRun, stage: StageHook) -> Outcome:
    """Do a run on many instruments under one account."""
    began = time.perf_counter()
    stage("read", 0.0)
    start, end = bounds_of(run)
    version = run.strategy_version
    settings = RunSettings.from_mapping(run.config)
    stored = instruments_read(
        symbols=run.symbols,
        interval=run.interval,
        start=start,
        end=end,
        adjustment=settings.adjustment,
        owner_id=run.owner_id,
        snapshots=run.other_snapshots,
    )
    plan = plan_get(
        graph_hash=version.graph_hash,
        graph=version.graph,
        parameters=run.parameters,
        interval=run.interval,
    )
    listing = listing_read(
        stored=stored, plan=plan, end=end, owner_id=run.owner_id, snapshots=run.other_snapshots
    )
    faults = [told for one in stored for told in quality_warnings(one, settings)]
    read_ms = (time.perf_counter() - began) * 1000
    simulation = graph_simulate_portfolio(
        graph=version.graph,
        graph_hash=version.graph_hash,
        parameters=run.parameters,
        instruments=listing.instruments,
        config=settings.engine,
        periods_per_year=listing.periods_per_year,
        sessions_of=listing.sessions_of,
        stage=stage,
    )
    stage("store", 0.9)
    result, summary = simulation.result, simulation.summary
    return Outcome(
        metrics=summary.values,
        metric_reasons=summary.reasons,
        counters=result.counters,
        warnings=[*listing.warnings, *faults, *simulation.warnings],
        series={
            "ts": result.ts,
            "close": simulation.basket,
            "equity": result.equity,
            "position": result.positions.astype(np.float64),
            "cash": result.cash,
            "gross": result.gross,
        },
        fills=result.fills,
        trades=result.trades,
        option_trades=None,
        alerts=alert_rows(simulation.plan, result.alerts, result.symbols),
        alert_count=len(result.alerts),
        snapshot=listing.snapshot,
        other_snapshots=dict(listing.snapshots),
        graph_hash=version.graph_hash,
        engine_version=result.engine_version,
        metrics_version=summary.metrics_version,
        timings={"read": round(read_ms, 3)} | simulation.timings,
        instruments=simulation.rows,
    )


def instrument_compute(run: BacktestRun, stage: StageHook) -> Outcome:
    """Do a run on one instrument."""
    began = time.perf_counter()
    stage("read", 0.0)
    start, end = bounds_of(run)
    settings = RunSettings.from_mapping(run.config)
    stored = bars_read(
        symbol=run.symbol,
        interval=run.interval,
        start=start,
        end=end,
        adjustment=settings.adjustment,
        owner_id=run.owner_id,
        # The data as they were when the run was asked for, whatever was downloaded since.
        snapshot=run.snapshot or None,
    )
    instrument = stored.instrument
    sessions = session_ids(
        stored.bars.ts,
        timezone=instrument.timezone,
        interval=stored.interval,
        calendar=instrument.calendar,
    )
    version = run.strategy_version
    plan = plan_get(
        graph_hash=version.graph_hash,
        graph=version.graph,
        parameters=run.parameters,
        interval=str(stored.interval),
    )
    around = surroundings_read(
        plan=plan,
        stored=stored,
        end=end,
        owner_id=run.owner_id,
        snapshots=run.other_snapshots,
    )
    inside = detail_read(
        stored=stored,
        interval=settings.detail_interval,
        start=start,
        end=end,
        owner_id=run.owner_id,
        snapshots=run.other_snapshots,
    )
    actions = actions_of(stored)
    told = [
        *around.warnings,
        *quality_warnings(stored, settings),
        *split_warnings(stored.instrument.symbol, stored.bars.ts, actions),
    ]
    read_ms = (time.perf_counter() - began) * 1000
    simulation = graph_simulate(
        graph=version.graph,
        graph_hash=version.graph_hash,
        parameters=run.parameters,
        bars=stored.bars,
        config=settings.engine,
        options=settings.options,
        detail=inside.detail,
        actions=actions,
        periods_per_year=periods_per_year(instrument, stored.interval),
        session_ids=sessions,
        context=around.context,
        stage=stage,
    )
    stage("store", 0.9)
    outcome = _outcome(run, stored, simulation, {"read": round(read_ms, 3)})
    return dataclasses.replace(
        outcome,
        warnings=[*told, *outcome.warnings],
        other_snapshots={**around.snapshots, **inside.snapshots},
    )


def quality_warnings(stored: StoredBars, settings: RunSettings) -> list[dict[str, Any]]:
    """Return the faults that the bars of a run are known to have, the first of them.

    Raises
    ------
    InvalidInput
        When there are errors among them, and the run is not to rest on such bars.
    """
    if settings.quality is None:
        return []
    faults = bars_check(stored=stored, policy=settings.quality)
    said = list(faults[:FAULTS_SAID])
    if len(faults) > FAULTS_SAID:
        said.append(f"{len(faults) - FAULTS_SAID} more faults of the bars: see their report.")
    return [{"code": "data_quality", "message": text, "node_id": None} for text in said]


def bounds_of(run: BacktestRun) -> tuple[date | datetime, date | datetime]:
    """Return the range of a run as it was asked for: days where it was days, else times."""
    if run.whole_days:
        return run.start.date(), run.end.date()
    return run.start, run.end


def _outcome(
    run: BacktestRun,
    stored: StoredBars,
    simulation: Simulation,
    timings: dict[str, float],
) -> Outcome:
    result, summary = simulation.result, simulation.summary
    series: dict[str, NDArray[Any]] = {
        "ts": stored.bars.ts,
        "close": stored.bars.close,
        "equity": result.equity,
        "position": result.position,
    }
    if isinstance(result, OptionsResult):
        series |= {
            "option_value": result.option_value,
            "option_contracts": result.option_contracts,
        }
    evaluation, length = simulation.evaluation, len(stored.bars)
    for prefix, lines in ((OVERLAY, evaluation.overlays), (PANEL, evaluation.panels)):
        for label, line in lines.items():
            series[prefix + label] = np.broadcast_to(line, length)
    return Outcome(
        metrics=summary.values,
        metric_reasons=summary.reasons,
        counters=result.counters,
        warnings=warnings_of(simulation),
        series=series,
        fills=result.fills,
        trades=result.trades,
        option_trades=result.option_trades if isinstance(result, OptionsResult) else None,
        alerts=alert_rows(simulation.plan, result.alerts),
        alert_count=len(result.alerts),
        snapshot=stored.snapshot,
        other_snapshots={},
        graph_hash=run.strategy_version.graph_hash,
        engine_version=result.engine_version,
        metrics_version=summary.metrics_version,
        timings=timings | simulation.timings,
    )
