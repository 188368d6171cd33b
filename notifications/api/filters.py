from __future__ import annotations

import django_filters

from notifications.channels.kinds import kind_choices
from notifications.choices import DeliveryStatus, event_choices
from notifications.models import Alert, AlertRule, UserChannel


class AlertFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """What the history can be narrowed to."""

    event = django_filters.ChoiceFilter(choices=event_choices)
    channel = django_filters.ChoiceFilter(
        field_name="deliveries__kind", choices=kind_choices, distinct=True
    )
    status = django_filters.ChoiceFilter(
        field_name="deliveries__status", choices=DeliveryStatus.choices, distinct=True
    )
    unread = django_filters.BooleanFilter(field_name="read_at", lookup_expr="isnull")
    since = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Alert
        fields: list[str] = []


class ChannelFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """What the channels can be narrowed to."""

    kind = django_filters.ChoiceFilter(choices=kind_choices)
    enabled = django_filters.BooleanFilter()

    class Meta:
        model = UserChannel
        fields: list[str] = []


class RuleFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """What the rules can be narrowed to."""

    event = django_filters.ChoiceFilter(choices=event_choices)
    enabled = django_filters.BooleanFilter()
    symbol = django_filters.CharFilter(lookup_expr="iexact")

    class Meta:
        model = AlertRule
        fields: list[str] = []
