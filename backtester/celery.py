"""The Celery application: queues and routes are settings, the schedule is `backtester.beat`."""

from __future__ import annotations

import os
import sys
from typing import Any

import structlog
from celery import Celery
from celery.signals import before_task_publish, task_postrun, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backtester.settings")

app = Celery("backtester")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Beat sends tasks by their names: it needs none of them, nor the memory of all that they import.
if "beat" not in sys.argv:
    app.autodiscover_tasks()
    # A part of an app with tasks of its own.
    app.autodiscover_tasks(["brokers.deployments"])


@before_task_publish.connect
def request_id_send(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Give the id of the request that caused a task to the worker."""
    identifier = structlog.contextvars.get_contextvars().get("request_id")
    if identifier and headers is not None:
        headers["request_id"] = identifier


@task_prerun.connect
def log_context_begin(task: Any = None, task_id: str = "", **_: Any) -> None:
    """Let every log line of a task name it, and the request that caused it."""
    identifier = getattr(task.request, "request_id", None)
    known = {"request_id": identifier} if identifier else {}
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task=task.name, task_id=task_id, **known)


@task_postrun.connect
def log_context_end(**_: Any) -> None:
    """Leave nothing of a task in the lines of the next."""
    structlog.contextvars.clear_contextvars()
