from __future__ import annotations

from typing import Final
from uuid import UUID

from celery import shared_task

from core.backtests import warm
from core.backtests.attempt import run_attempt
from core.backtests.sending import RUN_TASK
from core.backtests.sweeper import runs_sweep

# Importing it connects the warm-up to the worker's start.
__all__ = ["run", "sweep", "warm"]

TIME_LIMIT_S: Final = 300


@shared_task(name=RUN_TASK, soft_time_limit=TIME_LIMIT_S, time_limit=TIME_LIMIT_S + 30)
def run(run_id: str) -> None:
    """Do a run."""
    run_attempt(run_id=UUID(run_id), time_limit_s=TIME_LIMIT_S)


@shared_task(name="core.backtests.sweep")
def sweep() -> None:
    """Queue again what a lost message or a dead worker left behind."""
    runs_sweep()
