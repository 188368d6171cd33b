"""What goes in and out of the notification endpoints."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from notifications.api import examples
from notifications.choices import event_choices
from notifications.models import Alert, AlertRule, Delivery, UserChannel


class DeliveryOutput(serializers.ModelSerializer[Delivery]):
    """One message of an alert."""

    class Meta:
        model = Delivery
        fields = ("kind", "recipient", "status", "attempts", "sent_at", "error")


@extend_schema_serializer(examples=[examples.ALERT])
class AlertOutput(serializers.ModelSerializer[Alert]):
    """An alert and where it went."""

    deliveries = DeliveryOutput(many=True)

    class Meta:
        model = Alert
        fields = (
            "id", "event", "subject", "text", "data", "read_at", "created_at", "deliveries",
        )  # fmt: skip


@extend_schema_serializer(examples=[examples.ALERT_BY_HAND])
class AlertInput(serializers.Serializer[dict[str, Any]]):
    """An alert to send by hand."""

    subject = serializers.CharField(max_length=200, default="Alert")
    message = serializers.CharField(max_length=5000)
    channels = serializers.ListField(
        child=serializers.CharField(max_length=64),
        default=list,
        max_length=20,
        help_text='Ids of channels, or "email", "sms", "in_app". In the app it is always shown.',
    )


@extend_schema_serializer(examples=[examples.CHANNEL])
class ChannelOutput(serializers.ModelSerializer[UserChannel]):
    """A channel."""

    class Meta:
        model = UserChannel
        fields = ("id", "kind", "name", "address", "enabled", "disabled_reason", "created_at")


@extend_schema_serializer(examples=[examples.NEW_CHANNEL])
class ChannelInput(serializers.Serializer[dict[str, Any]]):
    """A channel to add."""

    kind = serializers.CharField(max_length=40, help_text='"email", "sms", or an exact kind.')
    address = serializers.CharField(
        max_length=320, required=False, help_text="Left out for in_app."
    )
    name = serializers.CharField(max_length=100, default="", allow_blank=True)


@extend_schema_serializer(examples=[examples.CHANNEL_CHANGE])
class ChannelChange(serializers.Serializer[dict[str, Any]]):
    """What may be changed of a channel."""

    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    enabled = serializers.BooleanField(required=False)


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
