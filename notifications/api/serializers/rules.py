"""What goes in and out of the endpoints of rules."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from notifications.api import examples
from notifications.choices import event_choices
from notifications.models import AlertRule, UserChannel


@extend_schema_serializer(examples=[examples.RULE])
class RuleOutput(serializers.ModelSerializer[AlertRule]):
    """A rule."""

    channels = serializers.PrimaryKeyRelatedField[UserChannel](many=True, read_only=True)

    class Meta:
        model = AlertRule
        fields = ("id", "name", "event", "filters", "channels", "enabled", "created_at")


@extend_schema_serializer(examples=[examples.NEW_RULE])
class RuleInput(serializers.Serializer[dict[str, Any]]):
    """A rule to add or to change."""

    event = serializers.ChoiceField(choices=event_choices())
    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    filters = serializers.DictField(required=False)
    channels = serializers.ListField(child=serializers.CharField(max_length=64), required=False)
    enabled = serializers.BooleanField(required=False)
