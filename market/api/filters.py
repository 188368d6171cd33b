"""What lists of the market can be narrowed to."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet

from core.api.filtering import Filters
from core.api.pagination import CursorPage
from market.models import Fetch, Instrument


class SymbolPage(CursorPage):
    """By symbol, A to Z."""

    ordering = "symbol"


class InstrumentFilter(Filters):
    """`?search=apple&asset_class=equity&exchange=NASDAQ&currency=USD`."""

    search = django_filters.CharFilter(
        method="search_filter", max_length=100, help_text="Part of the symbol or name."
    )
    exchange = django_filters.CharFilter(lookup_expr="iexact", max_length=30)
    currency = django_filters.CharFilter(lookup_expr="iexact", max_length=10)

    class Meta:
        model = Instrument
        fields = ("asset_class",)

    def search_filter(
        self,
        queryset: QuerySet[Instrument],
        name: str,  # noqa: ARG002 - django-filter's signature
        value: str,
    ) -> QuerySet[Instrument]:
        """Keep what has the words in its symbol or name."""
        return queryset.filter(Q(symbol__icontains=value) | Q(name__icontains=value))


class FetchFilter(Filters):
    """`?status=failed&symbol=GOOG`."""

    symbol = django_filters.CharFilter(lookup_expr="iexact", max_length=20)
    provider = django_filters.CharFilter(max_length=60)

    class Meta:
        model = Fetch
        fields = ("status",)
