"""What venues are asked before anything is decided, outside of any transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from brokers.choices import WORKING_STATUSES
from brokers.deployments.contracts import contracts_refresh
from brokers.models import Order
from brokers.resolving import orders_ask
from brokers.silence import silence_watched


def venues_ask(deployment_ids: Iterable[UUID], now: datetime) -> None:
    """Ask venues what a decision needs of them: what waits there, and the contracts there are."""
    ids = list(deployment_ids)
    orders_refresh(ids)
    contracts_refresh(ids, now=now)


def orders_refresh(deployment_ids: Iterable[UUID]) -> None:
    """Ask venues about what waits there: what was filled decides with the bar."""
    rows = Order.objects.filter(deployment_id__in=list(deployment_ids), status__in=WORKING_STATUSES)
    orders = list(rows.select_related("account").order_by("created_at"))
    with silence_watched({order.account.kind for order in orders}):
        orders_ask(orders)
