from __future__ import annotations

import re

import django_filters
from django.db.models import QuerySet

from brokers.choices import AssetType, OrderStatus, Side
from brokers.models import Order


class OrderFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """What the list of trades can be narrowed to."""

    symbol = django_filters.CharFilter(lookup_expr="iexact")
    underlying = django_filters.CharFilter(
        method="on_underlying", label="Of options: what their contracts are on."
    )
    asset_type = django_filters.ChoiceFilter(choices=AssetType.choices)
    status = django_filters.ChoiceFilter(choices=OrderStatus.choices)
    trade_type = django_filters.ChoiceFilter(field_name="side", choices=Side.choices)
    strategy_id = django_filters.UUIDFilter()
    account_id = django_filters.UUIDFilter()
    since = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    def on_underlying(self, rows: QuerySet[Order], _: str, underlying: str) -> QuerySet[Order]:
        """Return the orders in contracts on a symbol."""
        contracts = rf"\A{re.escape(underlying.strip().upper())}\d{{6}}[CP]\d{{8}}\Z"
        return rows.filter(asset_type=AssetType.OPTION, symbol__regex=contracts)

    class Meta:
        model = Order
        fields: list[str] = []
