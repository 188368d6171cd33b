"""Rows of the last day that did not end well, for the admin's first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from brokers.choices import OrderStatus
from brokers.models import Order
from core.admin import badge, row_link
from core.backtests.choices import RunStatus
from core.backtests.models import BacktestRun
from market.choices import FetchStatus
from market.models import Fetch
from notifications.choices import DeliveryStatus
from notifications.models import Delivery, ServiceFault

# As many as a screen holds.
TROUBLES: Final = 12


@dataclass(frozen=True, slots=True)
class Trouble:
    """A row that did not end well."""

    at: datetime
    badge: str
    link: str
    owner: str
    why: str


def first_id(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment (see `core.db.uuid7`)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _latest(rows: QuerySet[Any], since: datetime, statuses: tuple[str, ...], *joined: str) -> Any:
    """Return the youngest rows of the last day that ended so, with what they refer to."""
    found = rows.filter(id__gte=first_id(since), status__in=statuses)
    return found.select_related(*joined).order_by("-id")[:TROUBLES]


def run_troubles(since: datetime) -> list[Trouble]:
    """Return runs that ended without a result, youngest first."""
    statuses = (RunStatus.FAILED, RunStatus.ERRORED, RunStatus.TIMED_OUT)
    rows = _latest(BacktestRun.objects.all(), since, statuses, "owner").only(
        "status", "name", "symbol", "interval", "start", "error_message", "created_at",
        "owner__email",
    )  # fmt: skip
    return [
        Trouble(
            row.created_at, badge(row.status), row_link(row), row.owner.email, row.error_message
        )
        for row in rows
    ]


def order_troubles(since: datetime) -> list[Trouble]:
    """Return orders that nobody filled, or nobody knows about, youngest first."""
    statuses = (OrderStatus.UNKNOWN, OrderStatus.REJECTED, OrderStatus.DENIED)
    return [
        Trouble(
            row.created_at,
            badge(row.status),
            row_link(row, f"{row.side} {row.quantity.normalize():f} {row.symbol}"),
            row.owner.email,
            row.reason,
        )
        for row in _latest(Order.objects.all(), since, statuses, "owner")
    ]


def delivery_troubles(since: datetime) -> list[Trouble]:
    """Return services that refuse us, and deliveries that did not arrive, or may not have."""
    statuses = (DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN)
    refused = [
        Trouble(fault.updated_at, badge("errored", "refused"), row_link(fault), "", fault.error)
        for fault in ServiceFault.objects.order_by("-updated_at")
    ]
    return refused + [
        Trouble(
            row.created_at,
            badge(row.status),
            row_link(row, f"{row.kind} to {row.recipient}"),
            row.alert.owner.email,
            row.error,
        )
        for row in _latest(Delivery.objects.all(), since, statuses, "alert__owner")
    ]


def fetch_troubles(since: datetime) -> list[Trouble]:
    """Return downloads that brought nothing, youngest first."""
    statuses = (FetchStatus.FAILED, FetchStatus.ERRORED)
    return [
        Trouble(
            row.created_at,
            badge(row.status),
            row_link(row, f"{row.symbol} {row.interval} from {row.provider}"),
            row.owner.email if row.owner else "",
            row.error_message,
        )
        for row in _latest(Fetch.objects.all(), since, statuses, "owner")
    ]
