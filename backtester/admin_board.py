"""The admin's first page: what runs, what waits, and what somebody must look at.

Counts go by indexes, so that the page is as fast after years: open rows have partial indexes, and
the rows of the last day are found by their ids, which begin with the time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db.models import Count, Min, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from backtester.admin_troubles import (
    TROUBLES,
    delivery_troubles,
    fetch_troubles,
    first_id,
    order_troubles,
    run_troubles,
)
from brokers.choices import OPEN_STATUSES, OrderStatus
from brokers.models import Order
from core.admin import badge, duration, list_path
from core.api.health import readyz
from core.backtests.choices import RunStatus
from core.backtests.models import BacktestRun
from core.outbox.models import OutboxMessage
from market.choices import FetchStatus
from market.models import Fetch
from notifications.choices import DeliveryStatus
from notifications.models import Delivery

DAY: Final = timedelta(hours=24)
# A message leaves the outbox within a second, or the relay sends it within a few.
OUTBOX_SLOW: Final = timedelta(seconds=30)
QUEUE_SLOW: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure, and the list that it counts."""

    title: str
    count: int
    path: str
    tone: str = "neutral"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one area."""

    title: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One of the checks of `/readyz`."""

    name: str
    badge: str
    fault: str


def board_read(request: HttpRequest) -> dict[str, Any]:
    """Return what the first page shows of the areas that the reader may look into."""
    since = timezone.now() - DAY
    areas = (
        (BacktestRun, _runs, run_troubles),
        (Order, _orders, order_troubles),
        (Delivery, _deliveries, delivery_troubles),
        (OutboxMessage, _plumbing, fetch_troubles),
    )
    seen = [area for area in areas if _may_see(request, area[0])]
    troubles = [trouble for _, _, find in seen for trouble in find(since)]
    troubles.sort(key=lambda trouble: trouble.at, reverse=True)
    return {
        "groups": [group(since) for _, group, _ in seen],
        "troubles": troubles[:TROUBLES],
        "checks": _checks(request) if seen else [],
    }


def _may_see(request: HttpRequest, model: type[Model]) -> bool:
    meta = model._meta
    names = (f"{meta.app_label}.{verb}_{meta.model_name}" for verb in ("view", "change"))
    return any(request.user.has_perm(name) for name in names)


def _runs(since: datetime) -> Group:
    path = partial(list_path, BacktestRun)
    queued = BacktestRun.objects.filter(status=RunStatus.QUEUED)
    waiting = queued.aggregate(count=Count("id"), oldest=Min("created_at"))
    running = BacktestRun.objects.filter(status=RunStatus.RUNNING).count()
    today = _by_status(BacktestRun.objects.all(), since)
    age = _age(waiting["oldest"])
    tiles = [
        Tile(
            "queued",
            waiting["count"],
            path(status__exact=RunStatus.QUEUED.value),
            "warn" if age > QUEUE_SLOW else "busy" if waiting["count"] else "neutral",
            f"oldest for {duration(age)}" if waiting["count"] else "",
        ),
        Tile(
            "running",
            running,
            path(status__exact=RunStatus.RUNNING.value),
            "busy" if running else "neutral",
        ),
    ]
    notes = {
        RunStatus.COMPLETED: "",
        RunStatus.FAILED: "by what the user asked for",
        RunStatus.ERRORED: "by a fault of ours",
        RunStatus.TIMED_OUT: "took too long",
        RunStatus.CANCELED: "",
    }
    tiles += [_tile_today(status, today, path, since, note) for status, note in notes.items()]
    return Group("Backtests, last 24 hours", tuple(tiles))


def _orders(since: datetime) -> Group:
    path = partial(list_path, Order)
    open_now = dict(
        Order.objects.filter(status__in=OPEN_STATUSES)
        .order_by()
        .values_list("status")
        .annotate(Count("id"))
    )
    unknown = open_now.pop(OrderStatus.UNKNOWN, 0)
    today = _by_status(Order.objects.all(), since)
    open_path = path(status__in=",".join(s.value for s in OPEN_STATUSES if s != "unknown"))
    under_way = sum(open_now.values())
    return Group(
        "Orders, last 24 hours",
        (
            Tile(
                "unknown",
                unknown,
                path(status__exact=OrderStatus.UNKNOWN.value),
                "bad" if unknown else "neutral",
                "the broker is asked again" if unknown else "",
            ),
            Tile("under way", under_way, open_path, "busy" if under_way else "neutral"),
            *(
                _tile_today(status, today, path, since)
                for status in (OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.DENIED)
            ),
        ),
    )


def _deliveries(since: datetime) -> Group:
    path = partial(list_path, Delivery)
    waiting = Delivery.objects.filter(
        status__in=(DeliveryStatus.QUEUED, DeliveryStatus.SENDING)
    ).count()
    today = _by_status(Delivery.objects.all(), since)
    return Group(
        "Alert deliveries, last 24 hours",
        (
            Tile(
                "to send",
                waiting,
                path(status__in="queued,sending"),
                "busy" if waiting else "neutral",
            ),
            *(
                _tile_today(status, today, path, since)
                for status in (DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN)
            ),
        ),
    )


def _plumbing(since: datetime) -> Group:
    outbox = OutboxMessage.objects.aggregate(
        count=Count("id"), oldest=Min("created_at"), refused=Count("id", filter=Q(attempts__gt=0))
    )
    age = _age(outbox["oldest"])
    fetching = Fetch.objects.filter(status__in=(FetchStatus.QUEUED, FetchStatus.RUNNING)).count()
    today = _by_status(Fetch.objects.all(), since)
    path = partial(list_path, Fetch)
    return Group(
        "Queue and market data, last 24 hours",
        (
            Tile(
                "in the outbox",
                outbox["count"],
                list_path(OutboxMessage),
                "bad" if age > OUTBOX_SLOW else "busy" if outbox["count"] else "neutral",
                f"oldest for {duration(age)}" if outbox["count"] else "",
            ),
            Tile(
                "downloads under way",
                fetching,
                path(status__in="queued,running"),
                "busy" if fetching else "neutral",
            ),
            *(
                _tile_today(status, today, path, since, title=f"downloads {status.value}")
                for status in (FetchStatus.COMPLETED, FetchStatus.FAILED, FetchStatus.ERRORED)
            ),
        ),
    )


def _tile_today(
    status: Any,
    today: dict[str, int],
    path: Any,
    since: datetime,
    note: str = "",
    *,
    title: str = "",
) -> Tile:
    """Return the figure of a status that rows of the last day ended with."""
    count = today.get(status, 0)
    where = path(status__exact=status.value, created_at__gte=since.isoformat(timespec="seconds"))
    tone = TONE_OF_END.get(status.value, "neutral") if count else "neutral"
    return Tile(title or status.label.lower(), count, where, tone, note if count else "")


TONE_OF_END: Final = {
    **dict.fromkeys(("completed", "filled", "sent"), "good"),
    **dict.fromkeys(("failed", "rejected", "denied", "timed_out"), "warn"),
    **dict.fromkeys(("errored", "unknown"), "bad"),
}


def _by_status(rows: QuerySet[Any], since: datetime) -> dict[str, int]:
    """Return how many rows of the last day have which status."""
    recent = rows.filter(id__gte=first_id(since)).order_by()
    return dict(recent.values_list("status").annotate(Count("id")))


def _age(moment: datetime | None) -> timedelta:
    return timezone.now() - moment if moment else timedelta(0)


def _checks(request: HttpRequest) -> list[Check]:
    """Return the outcomes of `/readyz`, as the monitoring sees them."""
    found = json.loads(readyz(request).content)["checks"]  # type: ignore[attr-defined]  # JsonResponse
    return [
        Check(name, badge("ok") if outcome == "ok" else badge("errored", "not ready"),
              "" if outcome == "ok" else outcome)
        for name, outcome in found.items()
    ]  # fmt: skip
