from __future__ import annotations

import re

import django_filters
from django.db.models import Q, QuerySet

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import OPEN_STATUSES, AccountState, AssetType, OrderStatus, Side
from brokers.deployments.choices import DeploymentState, TickStatus
from brokers.models import (
    Order,
    Position,
)
from core.api.filtering import Filters
from core.api.pagination import CursorPage


class OrderFilter(Filters):
    """What the list of trades can be narrowed to."""

    symbol = django_filters.CharFilter(lookup_expr="iexact")
    underlying = django_filters.CharFilter(
        method="on_underlying", label="Of options: what their contracts are on."
    )
    asset_type = django_filters.ChoiceFilter(choices=AssetType.choices)
    status = django_filters.ChoiceFilter(choices=OrderStatus.choices)
    open = django_filters.BooleanFilter(
        method="on_open", label="What may still be filled or canceled, or what has ended."
    )
    trade_type = django_filters.ChoiceFilter(field_name="side", choices=Side.choices)
    strategy_id = django_filters.UUIDFilter()
    account_id = django_filters.UUIDFilter()
    since = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    def on_underlying(self, rows: QuerySet[Order], _: str, underlying: str) -> QuerySet[Order]:
        """Return the orders in contracts on a symbol."""
        return rows.filter(asset_type=AssetType.OPTION, symbol__regex=_contracts_on(underlying))

    def on_open(self, rows: QuerySet[Order], _: str, wanted: bool) -> QuerySet[Order]:  # noqa: FBT001 - django-filter's signature
        """Return the orders that wait, or the others."""
        waiting = Q(status__in=OPEN_STATUSES)
        return rows.filter(waiting if wanted else ~waiting)


class AccountFilter(Filters):
    """What the list of accounts can be narrowed to."""

    kind = django_filters.ChoiceFilter(choices=ADAPTERS.choices())
    state = django_filters.ChoiceFilter(choices=AccountState.choices)
    live = django_filters.BooleanFilter()


class PositionFilter(Filters):
    """What the positions of an account can be narrowed to."""

    symbol = django_filters.CharFilter(lookup_expr="iexact")
    underlying = django_filters.CharFilter(
        method="on_underlying", label="Contracts on this symbol only."
    )

    def on_underlying(
        self, rows: QuerySet[Position], _: str, underlying: str
    ) -> QuerySet[Position]:
        """Return the positions in contracts on a symbol."""
        return rows.filter(symbol__regex=_contracts_on(underlying))


class FillFilter(Filters):
    """What the executions of an account can be narrowed to."""

    symbol = django_filters.CharFilter(field_name="order__symbol", lookup_expr="iexact")
    trade_id = django_filters.UUIDFilter(field_name="order_id")
    since = django_filters.IsoDateTimeFilter(field_name="executed_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="executed_at", lookup_expr="lt")


class DeploymentFilter(Filters):
    """What the list of deployments can be narrowed to."""

    status = django_filters.ChoiceFilter(field_name="state", choices=DeploymentState.choices)
    symbol = django_filters.CharFilter(lookup_expr="iexact")
    interval = django_filters.CharFilter()
    account_id = django_filters.UUIDFilter()
    strategy_id = django_filters.UUIDFilter()


class TickFilter(Filters):
    """What the bars that a deployment looked at can be narrowed to."""

    status = django_filters.ChoiceFilter(choices=TickStatus.choices)
    since = django_filters.IsoDateTimeFilter(field_name="bar_ts", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="bar_ts", lookup_expr="lt")


class TickPage(CursorPage):
    """By bar, the newest first."""

    ordering = "-bar_ts"


class SessionPage(CursorPage):
    """By session, the newest first."""

    ordering = "-session"


class DriftFilter(Filters):
    """What the sessions of a deployment can be narrowed to."""

    since = django_filters.DateFilter(field_name="session", lookup_expr="gte")
    until = django_filters.DateFilter(field_name="session", lookup_expr="lte")


def _contracts_on(underlying: str) -> str:
    return rf"\A{re.escape(underlying.strip().upper())}\d{{6}}[CP]\d{{8}}\Z"
