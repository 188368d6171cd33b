"""What goes in and out of the endpoints of channels."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from core.api.forms import KnownFields
from notifications.api import examples
from notifications.channels.kinds import CHANNELS
from notifications.models import UserChannel
from notifications.pacing import MINUTES_PER_DAY

MAX_RATE = 600


@extend_schema_serializer(examples=[examples.CHANNEL])
class ChannelOutput(serializers.ModelSerializer[UserChannel]):
    """A channel."""

    verified = serializers.SerializerMethodField(help_text="Nothing is sent before.")
    rate_per_min = serializers.SerializerMethodField()

    class Meta:
        model = UserChannel
        fields = (
            "id", "kind", "name", "address", "enabled", "disabled_reason", "verified",
            "quiet_from", "quiet_until", "digest_minutes", "rate_per_min", "created_at",
        )  # fmt: skip

    def get_verified(self, channel: UserChannel) -> bool:
        """Tell whether the address is proven, or needs no proof."""
        return channel.verified_at is not None

    def get_rate_per_min(self, channel: UserChannel) -> int:
        """Return the rate that holds: its own or its kind's."""
        return channel.rate_per_min or CHANNELS.get(channel.kind).rate_per_min


@extend_schema_serializer(examples=[examples.CHANNEL_CREATED])
class ChannelCreated(ChannelOutput):
    """A new channel with the secret of a webhook, which is shown only now."""

    secret = serializers.CharField(allow_null=True)

    class Meta:
        model = UserChannel
        fields = (*ChannelOutput.Meta.fields, "secret")


class Pace(KnownFields):
    """When and how often messages may leave."""

    quiet_from = serializers.TimeField(
        required=False,
        allow_null=True,
        help_text="Alerts wait from here to quiet_until, in your time zone (see me).",
    )
    quiet_until = serializers.TimeField(required=False, allow_null=True)
    digest_minutes = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MINUTES_PER_DAY,
        help_text="Collect alerts for so long and send them as one; 0 sends each alone.",
    )
    rate_per_min = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MAX_RATE,
        help_text="The most messages in a minute; the others wait. null is the kind's own rate.",
    )


@extend_schema_serializer(examples=[examples.NEW_CHANNEL, examples.NEW_WEBHOOK])
class ChannelInput(Pace):
    """A channel to add."""

    kind = serializers.CharField(max_length=40, help_text='"email", "sms", or an exact kind.')
    address = serializers.CharField(
        max_length=320, default="", allow_blank=True, help_text="Left out for in_app."
    )
    name = serializers.CharField(max_length=100, default="", allow_blank=True)
    secret = serializers.CharField(
        max_length=200,
        default="",
        allow_blank=True,
        write_only=True,
        help_text="What opens the service: the token of your Telegram bot. Never shown again.",
    )


@extend_schema_serializer(examples=[examples.CHANNEL_CHANGE])
class ChannelChange(Pace):
    """What may be changed of a channel."""

    sent_back = frozenset({"id", "created_at", "verified", "disabled_reason"})

    kind = serializers.CharField(
        max_length=40, required=False, help_text='Mail may go over another service: "email".'
    )
    address = serializers.CharField(
        max_length=320, required=False, help_text="A new one is proven again, as at first."
    )
    secret = serializers.CharField(
        max_length=200, required=False, write_only=True, help_text="Another token of your bot."
    )
    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    enabled = serializers.BooleanField(required=False)


@extend_schema_serializer(examples=[examples.CODE])
class CodeInput(KnownFields):
    """The proof of an address."""

    code = serializers.RegexField(r"^[0-9]{6}$", help_text="The six digits that were sent there.")


@extend_schema_serializer(examples=[examples.SECRET])
class SecretOutput(serializers.Serializer[dict[str, Any]]):
    """A new secret, which is shown only now."""

    secret = serializers.CharField()
