"""What goes in and out of the endpoints of rules."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from core.api.forms import KnownFields
from notifications.api import examples
from notifications.choices import event_choices
from notifications.models import AlertRule, UserChannel

MAX_COOLDOWN_S = 30 * 86_400


@extend_schema_serializer(examples=[examples.RULE])
class RuleOutput(serializers.ModelSerializer[AlertRule]):
    """A rule."""

    channels = serializers.PrimaryKeyRelatedField[UserChannel](many=True, read_only=True)

    class Meta:
        model = AlertRule
        fields = (
            "id", "name", "event", "filters", "channels", "enabled", "disabled_reason", "urgent",
            "cooldown_s", "last_fired_at", "symbol", "interval", "condition", "created_at",
        )  # fmt: skip


@extend_schema_serializer(examples=[examples.NEW_RULE, examples.NEW_LEVEL, examples.NEW_NODE])
class RuleInput(KnownFields):
    """A rule to add or to change."""

    sent_back = frozenset({"id", "created_at", "disabled_reason", "last_fired_at"})

    event = serializers.ChoiceField(choices=event_choices())
    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    filters = serializers.DictField(
        required=False,
        help_text="A field of the event and its value, or operators: see notifications/events.",
    )
    channels = serializers.ListField(child=serializers.CharField(max_length=64), required=False)
    enabled = serializers.BooleanField(required=False)
    urgent = serializers.BooleanField(
        required=False, help_text="Neither quiet hours nor a digest holds it."
    )
    cooldown_s = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_COOLDOWN_S,
        help_text="After it told, it tells through its channels no sooner than this.",
    )
    symbol = serializers.CharField(required=False, max_length=20, allow_blank=True)
    interval = serializers.CharField(required=False, max_length=20, allow_blank=True)
    condition = serializers.DictField(
        required=False,
        help_text=(
            'Of price.level: {"operator", "level", "field"?}; of condition.met: {"strategy_id", '
            '"version"?, "node", "port"?, "parameters"?}; both: "repeat"? on_change or every_bar.'
        ),
    )
