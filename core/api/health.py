"""Whether the process is alive, and whether everything it needs is there."""

from __future__ import annotations

import time
from collections.abc import Callable

import fsspec
import redis
import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from core.api.reading import reading

log = structlog.get_logger(__name__)

HEARTBEAT_MAX_AGE_S = 45
HEARTBEAT_QUEUES = ("interactive", "live")


class Unready(Exception):
    """Something the service needs is not there; the message says what."""


@reading
def healthz(request: HttpRequest) -> HttpResponseBase:  # noqa: ARG001 - Django's signature
    """Answer that the process serves requests; touches nothing else."""
    return JsonResponse({"status": "ok"})


@reading
def readyz(request: HttpRequest) -> HttpResponseBase:  # noqa: ARG001 - Django's signature
    """Answer 200 where all checks pass, else 503, and which ones do not."""
    checks = {name: _outcome(check) for name, check in CHECKS.items()}
    ready = all(outcome == "ok" for outcome in checks.values())
    body = {"status": "ok" if ready else "unready", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503)


def heartbeat_record(*, queue: str) -> None:
    """Note that a worker of the queue is alive and reached by beat and broker."""
    cache.set(f"heartbeat:{queue}", time.time(), timeout=HEARTBEAT_MAX_AGE_S)


def _outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except (Unready, DatabaseError, redis.RedisError, OSError) as error:
        # The type only: an address or a password in an answer would be for everybody to read.
        log.warning("readyz", check=check.__name__, error=str(error))
        return str(error) if isinstance(error, Unready) else type(error).__name__
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _migrations() -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise Unready(f"{len(plan)} migrations are not applied: run manage.py migrate")


def _broker() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        client.ping()
    finally:
        client.close()


def _storage() -> None:
    filesystem, path = fsspec.core.url_to_fs(settings.BARS_URL)
    if not filesystem.exists(path):
        raise Unready("the bar store does not exist yet: run manage.py load_sample_data")


def _workers() -> None:
    silent = [queue for queue in HEARTBEAT_QUEUES if cache.get(f"heartbeat:{queue}") is None]
    if silent:
        raise Unready(f"no worker answered lately on: {', '.join(silent)}")


CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "storage": _storage,
    "workers": _workers,
}
