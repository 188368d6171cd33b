"""The only place where a model and the engine meet: a run's row in, its outcome out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.backtests.alerts import alert_rows
from core.backtests.columns import OVERLAY, PANEL
from core.backtests.detail import details_read, pins_of
from core.backtests.listing import Listing, instruments_read, listing_read
from core.backtests.models import BacktestRun
from core.backtests.outcome import Outcome
from core.backtests.plans import plan_get
from core.backtests.portfolio import (
    Instrument,
    PortfolioSimulation,
    graph_simulate_portfolio,
)
from core.backtests.settings import RunSettings
from core.backtests.simulation import Simulation, StageHook, graph_simulate, warnings_of
from core.options.result import OptionsResult
from market.reports import bars_check
from market.store import StoredBars

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
    began = time.perf_counter()
    stage("read", 0.0)
    start, end = bounds_of(run)
    version, settings = run.strategy_version, RunSettings.from_mapping(run.config)
    pinned = snapshots_of(run)
    stored = instruments_read(
        symbols=run.instruments,
        interval=run.interval,
        start=start,
        end=end,
        adjustment=settings.adjustment,
        owner_id=run.owner_id,
        snapshots=pinned,
    )
    plan = plan_get(
        graph_hash=version.graph_hash,
        graph=version.graph,
        parameters=run.parameters,
        interval=run.interval,
    )
    listing = listing_read(
        stored=stored, plan=plan, end=end, owner_id=run.owner_id, snapshots=pinned
    )
    inside = list(
        details_read(
            stored=stored,
            interval=settings.detail_interval,
            start=start,
            end=end,
            owner_id=run.owner_id,
            snapshots=pinned,
        )
    )
    listing = listing.detailed(inside)
    faults = [
        told for one in stored for told in quality_warnings(one, settings, named=len(stored) > 1)
    ]
    read_ms = (time.perf_counter() - began) * 1000
    if run.symbols:
        outcome = _portfolio_outcome(run, listing, settings, stage)
    else:
        outcome = _instrument_outcome(run, listing, settings, stage)
    return dataclasses.replace(
        outcome,
        other_snapshots=outcome.other_snapshots | pins_of(inside),
        warnings=[*listing.warnings, *faults, *outcome.warnings],
        timings={"read": round(read_ms, 3)} | outcome.timings,
    )


def snapshots_of(run: BacktestRun) -> dict[str, str]:
    """Return the hashes of all bars of a run as they were when it was asked for.

    Whatever is downloaded later changes nothing.
    """
    own = {run.symbol: run.snapshot} if run.symbol and run.snapshot else {}
    return {**own, **run.other_snapshots}


def quality_warnings(
    stored: StoredBars, settings: RunSettings, *, named: bool
) -> list[dict[str, Any]]:
    """Return the faults that bars of a run are known to have, the first of them.

    Parameters
    ----------
    named : bool
        Whether to say of which instrument.

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
    whose = f"{stored.instrument.symbol}: " if named else ""
    return [{"code": "data_quality", "message": whose + text, "node_id": None} for text in said]


def bounds_of(run: BacktestRun) -> tuple[date | datetime, date | datetime]:
    """Return the range of a run as it was asked for: days where it was days, else times."""
    if run.whole_days:
        return run.start.date(), run.end.date()
    return run.start, run.end


def _portfolio_outcome(
    run: BacktestRun, listing: Listing, settings: RunSettings, stage: StageHook
) -> Outcome:
    """Simulate many instruments under one account."""
    version = run.strategy_version
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
    result = simulation.result
    return _outcome(
        run,
        listing,
        simulation,
        warnings=simulation.warnings,
        series={
            "ts": result.ts,
            "close": simulation.basket,
            "equity": result.equity,
            "position": result.positions.astype(np.float64),
            "cash": result.cash,
            "gross": result.gross,
        },
        alerts=alert_rows(simulation.plan, result.alerts, result.symbols),
        instruments=simulation.rows,
    )


def _instrument_outcome(
    run: BacktestRun, listing: Listing, settings: RunSettings, stage: StageHook
) -> Outcome:
    """Simulate one instrument."""
    version, (instrument,) = run.strategy_version, listing.instruments
    simulation = graph_simulate(
        graph=version.graph,
        graph_hash=version.graph_hash,
        parameters=run.parameters,
        bars=instrument.bars,
        config=settings.engine,
        options=settings.options,
        detail=instrument.detail,
        actions=instrument.actions,
        periods_per_year=listing.periods_per_year,
        session_ids=instrument.session_ids,
        context=instrument.context,
        stage=stage,
    )
    stage("store", 0.9)
    result = simulation.result
    return _outcome(
        run,
        listing,
        simulation,
        warnings=warnings_of(simulation),
        series=_series(simulation, instrument),
        option_trades=result.option_trades if isinstance(result, OptionsResult) else None,
        alerts=alert_rows(simulation.plan, result.alerts),
    )


def _outcome(
    run: BacktestRun,
    listing: Listing,
    simulation: Simulation | PortfolioSimulation,
    *,
    warnings: list[dict[str, Any]],
    series: dict[str, NDArray[Any]],
    alerts: list[dict[str, Any]],
    option_trades: NDArray[Any] | None = None,
    instruments: Sequence[dict[str, Any]] = (),
) -> Outcome:
    """Return what a simulation came to, and what it rests on."""
    result, summary = simulation.result, simulation.summary
    snapshot, others = listing.pins
    return Outcome(
        metrics=summary.values,
        metric_reasons=summary.reasons,
        counters=result.counters,
        warnings=warnings,
        series=series,
        fills=result.fills,
        trades=result.trades,
        option_trades=option_trades,
        alerts=alerts,
        alert_count=len(result.alerts),
        snapshot=snapshot,
        other_snapshots=others,
        graph_hash=run.strategy_version.graph_hash,
        engine_version=result.engine_version,
        metrics_version=summary.metrics_version,
        timings=simulation.timings,
        instruments=list(instruments),
    )


def _series(simulation: Simulation, instrument: Instrument) -> dict[str, NDArray[Any]]:
    """Return what is stored of a run on one instrument, bar by bar.

    `held` is there where the close alone does not say what it brought to hold a unit.
    """
    bars, result, evaluation = simulation.bars, simulation.result, simulation.evaluation
    series: dict[str, NDArray[Any]] = {
        "ts": bars.ts,
        "close": bars.close,
        "equity": result.equity,
        "position": result.position,
    }
    if instrument.actions is not None:
        series["held"] = instrument.actions.held(bars.close)
    if isinstance(result, OptionsResult):
        series |= {
            "option_value": result.option_value,
            "option_contracts": result.option_contracts,
        }
    for prefix, lines in ((OVERLAY, evaluation.overlays), (PANEL, evaluation.panels)):
        for label, line in lines.items():
            series[prefix + label] = np.broadcast_to(line, len(bars))
    return series
