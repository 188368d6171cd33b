"""What goes in and out of the endpoints of alerts."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from core.api.forms import KnownFields
from notifications.api import examples
from notifications.matching import operators_of
from notifications.models import Alert, Delivery


class DeliveryOutput(serializers.ModelSerializer[Delivery]):
    """One message of an alert."""

    class Meta:
        model = Delivery
        fields = (
            "kind", "recipient", "status", "held", "attempts", "due_at", "sent_at", "error",
        )  # fmt: skip


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
class AlertInput(KnownFields):
    """An alert to send by hand."""

    subject = serializers.CharField(max_length=200, default="Alert")
    message = serializers.CharField(max_length=5000)
    channels = serializers.ListField(
        child=serializers.CharField(max_length=64),
        default=list,
        max_length=20,
        help_text='Ids or kinds of channels, or "email" or "sms". It is always shown in the app.',
    )
    urgent = serializers.BooleanField(
        default=False, help_text="Neither quiet hours nor a digest holds it."
    )


@extend_schema_serializer(examples=[examples.READ])
class ReadInput(KnownFields):
    """Which alerts were read."""

    until = serializers.DateTimeField(required=False, help_text="All that were made by then.")


@extend_schema_serializer(examples=[examples.WERE_READ])
class ReadOutput(serializers.Serializer[dict[str, Any]]):
    """How many alerts were not read before."""

    read = serializers.IntegerField()


@extend_schema_serializer(examples=[examples.UNREAD])
class UnreadOutput(serializers.Serializer[dict[str, Any]]):
    """How many alerts are not read."""

    unread = serializers.IntegerField()


@extend_schema_serializer(many=False, examples=[examples.EVENT_KINDS])
class EventKindOutput(serializers.Serializer[Any]):
    """An event that rules can be made for."""

    event = serializers.CharField()
    title = serializers.CharField(source="kind.title")
    market = serializers.BooleanField(
        source="kind.market", help_text="Made by a rule's own condition on bars."
    )
    filters = serializers.SerializerMethodField()

    def get_filters(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the fields with the operators that filters on them may have."""
        return [
            {"name": name, "type": kind, "operators": operators_of(kind)}
            for name, kind in row["kind"].fields.items()
        ]
