from __future__ import annotations

import django_filters

from brokers.choices import OrderStatus, Side
from brokers.models import Order


class OrderFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """What the list of trades can be narrowed to."""

    symbol = django_filters.CharFilter(lookup_expr="iexact")
    status = django_filters.ChoiceFilter(choices=OrderStatus.choices)
    trade_type = django_filters.ChoiceFilter(field_name="side", choices=Side.choices)
    strategy_id = django_filters.UUIDFilter()
    account_id = django_filters.UUIDFilter()
    since = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Order
        fields: list[str] = []
