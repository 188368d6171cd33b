from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from core.api.filtering import Filters
from notifications.channels.kinds import kind_choices
from notifications.choices import DeliveryStatus, event_choices
from notifications.models import Alert, Delivery


class AlertFilter(Filters):
    """What the history can be narrowed to."""

    event = django_filters.ChoiceFilter(choices=event_choices)
    # Both are asked of the same delivery: what failed by mail, not what is also in the app.
    channel = django_filters.ChoiceFilter(choices=kind_choices, method="passed_over")
    status = django_filters.ChoiceFilter(choices=DeliveryStatus.choices, method="passed_over")
    unread = django_filters.BooleanFilter(field_name="read_at", lookup_expr="isnull")
    since = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    @extend_schema_field(OpenApiTypes.STR)
    def passed_over(self, queryset: QuerySet[Alert], _name: str, _value: str) -> QuerySet[Alert]:
        """Leave to `filter_queryset` what is asked of deliveries."""
        return queryset

    def filter_queryset(self, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        """Narrow the history."""
        found: QuerySet[Alert] = super().filter_queryset(queryset)
        asked: dict[str, Any] = {
            "kind": self.form.cleaned_data["channel"],
            "status": self.form.cleaned_data["status"],
        }
        if asked := {name: value for name, value in asked.items() if value}:
            found = found.filter(Exists(Delivery.objects.filter(alert=OuterRef("pk"), **asked)))
        return found


class ChannelFilter(Filters):
    """What the channels can be narrowed to."""

    kind = django_filters.ChoiceFilter(choices=kind_choices)
    enabled = django_filters.BooleanFilter()


class RuleFilter(Filters):
    """What the rules can be narrowed to."""

    event = django_filters.ChoiceFilter(choices=event_choices)
    enabled = django_filters.BooleanFilter()
    symbol = django_filters.CharFilter(lookup_expr="iexact")
