"""Reading runs. Everything starts from the owner, so another user's run is not found."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet

from core.backtests.models import BacktestRun, EquityCurve, Trade
from core.errors import Conflict, NotFound

# What a list does not show: the long columns are not even read.
LONG_COLUMNS = ("metrics", "metric_reasons", "counters", "warnings", "timings", "error_details")


def run_list(*, owner_id: UUID) -> QuerySet[BacktestRun]:
    """Return a user's runs with their strategies, without their long columns."""
    return (
        BacktestRun.objects.filter(owner_id=owner_id)
        .select_related("strategy", "strategy_version")
        .defer(*LONG_COLUMNS, "strategy__graph", "strategy_version__graph")
    )


def run_get(*, owner_id: UUID, run_id: UUID | str) -> BacktestRun:
    """Return a user's run.

    Raises
    ------
    NotFound
        If there is none with this id, or it is another user's.
    """
    run = (
        BacktestRun.objects.filter(owner_id=owner_id, id=run_id)
        .select_related("strategy", "strategy_version")
        .defer("strategy__graph", "strategy_version__graph")
        .first()
    )
    if run is None:
        raise run_missing(run_id)
    return run


def run_missing(run_id: UUID | str) -> NotFound:
    """Return the error for a run that is not there, or not the caller's."""
    return NotFound(f"There is no backtest {run_id}: GET backtests lists yours.")


def runs_get(*, owner_id: UUID, run_ids: Sequence[UUID]) -> list[BacktestRun]:
    """Return several of a user's runs with their curves, in the order asked for.

    Raises
    ------
    NotFound
        Naming all that are missing.
    """
    rows = (
        BacktestRun.objects.filter(owner_id=owner_id, id__in=run_ids)
        .select_related("strategy", "strategy_version", "curve")
        .defer("strategy__graph", "strategy_version__graph")
    )
    found = {run.id: run for run in rows}
    missing = [str(run_id) for run_id in run_ids if run_id not in found]
    if missing:
        raise run_missing(", ".join(missing))
    return [found[run_id] for run_id in run_ids]


def run_with_curve(*, owner_id: UUID, run_id: UUID | str) -> BacktestRun | None:
    """Return a user's run with its curve in one query; None where there is no such run."""
    return (
        BacktestRun.objects.filter(owner_id=owner_id, id=run_id)
        .select_related("strategy", "strategy_version", "curve")
        .defer("strategy__graph", "strategy_version__graph")
        .first()
    )


def completed_get(*, owner_id: UUID, run_id: UUID | str) -> BacktestRun:
    """Return a user's run that has a result, with its curve.

    Raises
    ------
    NotFound
        If there is none with this id, or it is another user's.
    Conflict
        If it has no result, or not yet.
    """
    run = run_with_curve(owner_id=owner_id, run_id=run_id)
    if run is None:
        raise run_missing(run_id)
    if curve_of(run) is None:
        fix = "retry it" if run.finished else "wait until it is completed"
        raise Conflict(f"The run is {run.status} and has no result: {fix}.", code="no_result")
    return run


def curve_of(run: BacktestRun) -> EquityCurve | None:
    """Return the curve of a run that was read with it, None where there is none."""
    curve: EquityCurve | None = getattr(run, "curve", None)
    return curve


def trade_list(*, run: BacktestRun) -> QuerySet[Trade]:
    """Return the trades of a run that was read for its owner, in the order of their exits."""
    return Trade.objects.filter(run=run).order_by("number")


def run_of_content(*, owner_id: UUID, content_key: str) -> BacktestRun | None:
    """Return the run that a batch file's entry has made before, if it has."""
    return BacktestRun.objects.filter(owner_id=owner_id, content_key=content_key).first()
