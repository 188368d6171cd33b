"""How lists of strategies are narrowed and ordered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request

from core.api.filtering import Filters
from strategies.models import Strategy


class StrictOrdering(OrderingFilter):
    """Orders by the view's `ordering_fields`, and refuses any other."""

    def remove_invalid_fields(
        self, queryset: QuerySet[Any], fields: Iterable[str], view: Any, request: Request
    ) -> list[str]:
        """Return the fields, all of them known."""
        given = list(fields)
        valid = super().remove_invalid_fields(queryset, given, view, request)
        if wrong := [name for name in given if name not in valid]:
            known = ", ".join(f"{name}, -{name}" for name in view.ordering_fields)
            message = f"The list cannot be ordered by {wrong[0]!r}: use {known}."
            raise serializers.ValidationError({"ordering": [message]}, code="invalid_choice")
        return list(valid)


class StrategyFilter(Filters):
    """Filters of `GET strategies`."""

    search = django_filters.CharFilter(
        method="text_filter", label="Words in the name or the description."
    )
    template = django_filters.CharFilter(lookup_expr="iexact")
    base_strategy = django_filters.UUIDFilter(field_name="base_version__strategy_id")
    archived = django_filters.BooleanFilter(
        method="archived_filter", label="Archived ones only; without it they are left out."
    )
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    def text_filter(self, queryset: QuerySet[Strategy], _: str, text: str) -> QuerySet[Strategy]:
        """Keep strategies that hold every word."""
        for word in text.split()[:10]:
            queryset = queryset.filter(Q(name__icontains=word) | Q(description__icontains=word))
        return queryset

    def archived_filter(
        self,
        queryset: QuerySet[Strategy],
        _: str,
        wanted: bool,  # noqa: FBT001 - django-filter's signature
    ) -> QuerySet[Strategy]:
        """Keep archived strategies, or the others."""
        return queryset.filter(archived_at__isnull=not wanted)

    def filter_queryset(self, queryset: QuerySet[Strategy]) -> QuerySet[Strategy]:
        """Leave archived strategies out unless they are asked for."""
        if self.form.cleaned_data.get("archived") is None:
            queryset = queryset.filter(archived_at=None)
        filtered: QuerySet[Strategy] = super().filter_queryset(queryset)
        return filtered
