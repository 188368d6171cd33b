"""Filters and orderings of the list of runs."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request

from core.api.filtering import Filters
from core.api.pagination import CursorPage
from core.backtests.choices import RunStatus
from core.backtests.models import BacktestRun

# What a list may be ordered by: columns in which few rows are equal, as a cursor wants it. A run
# without a number is not in a list ordered by it: nulls have no place that a cursor can follow.
ORDERINGS: Final = (
    "created_at",
    "finished_at",
    "total_return_pct",
    "sharpe",
    "max_drawdown_pct",
    "final_equity",
)
NULLABLE: Final = frozenset(ORDERINGS) - {"created_at"}


class RunFilter(Filters):
    """`GET backtests?ticker=&strategy=&status=&start=&end=&created_after=&created_before=`."""

    ticker = django_filters.CharFilter(method="by_ticker", label="Symbol of the instrument.")
    strategy = django_filters.CharFilter(
        method="by_strategy", label="A strategy's id, or the name of a template."
    )
    status = django_filters.MultipleChoiceFilter(choices=RunStatus.choices)
    start = django_filters.DateFilter(
        field_name="start", lookup_expr="date__gte", label="Runs whose range begins then or later."
    )
    end = django_filters.DateFilter(
        field_name="end", lookup_expr="date__lte", label="Runs whose range ends then or earlier."
    )
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")
    tag = django_filters.CharFilter(method="by_tag")

    def by_ticker(
        self, rows: QuerySet[BacktestRun], _name: str, value: str
    ) -> QuerySet[BacktestRun]:
        """Keep the runs on an instrument, portfolios included; symbols are in upper case."""
        symbol = value.strip().upper()
        return rows.filter(Q(symbol=symbol) | Q(symbols__contains=[symbol]))

    def by_strategy(
        self, rows: QuerySet[BacktestRun], _name: str, value: str
    ) -> QuerySet[BacktestRun]:
        """Keep the runs of one strategy, or of every strategy made from a template."""
        try:
            return rows.filter(strategy_id=UUID(value))
        except ValueError:
            return rows.filter(Q(strategy__template=value.lower()) | Q(strategy__name=value))

    def by_tag(self, rows: QuerySet[BacktestRun], _name: str, value: str) -> QuerySet[BacktestRun]:
        """Keep the runs that carry a tag."""
        return rows.filter(tags__contains=[value])


def ordering_of(request: Request) -> str:
    """Return the ordering that a list is asked for, newest first by default.

    Raises
    ------
    ValidationError
        If it is not on the list of orderings.
    """
    asked = request.query_params.get("ordering", "-created_at")
    if asked.removeprefix("-") not in ORDERINGS:
        message = (
            f"{asked[:50]!r} is no ordering: use one of {', '.join(ORDERINGS)}, with '-' in front "
            "for the largest first."
        )
        message = (
            f"{asked[:50]!r} is no ordering: use one of {', '.join(ORDERINGS)}, with '-' in front "
            "for the largest first."
        )
        raise serializers.ValidationError({"ordering": [message]}, code="invalid_choice")
    return asked


def ordered(rows: QuerySet[BacktestRun], ordering: str) -> QuerySet[BacktestRun]:
    """Return the rows that have a place in the ordering."""
    column = ordering.removeprefix("-")
    return rows.filter(**{f"{column}__isnull": False}) if column in NULLABLE else rows


class RunPage(CursorPage):
    """A page of runs in the ordering that was asked for."""

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:  # noqa: ARG002 - DRF's signature
        """Return the ordering with the id behind it, so that equal numbers keep their order."""
        ordering = ordering_of(request)
        return (ordering, "-id" if ordering.startswith("-") else "id")


class TradePage(CursorPage):
    """A page of trades in the order of their exits."""

    ordering = "number"
