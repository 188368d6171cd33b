from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

TICKET = OpenApiExample(
    "A ticket",
    {
        "ticket": "pLbX1m7cT0w9Qq3yJ4rV6sZ8aE2dF5gH",
        "expires_at": "2026-01-15T14:30:30Z",
        "url": "/ws/v1/?ticket=pLbX1m7cT0w9Qq3yJ4rV6sZ8aE2dF5gH",
    },
)


@extend_schema_serializer(examples=[TICKET])
class TicketOutput(serializers.Serializer[dict[str, object]]):
    """A one-time pass to the WebSocket."""

    ticket = serializers.CharField(help_text="Use it once, as /ws/v1/?ticket=…")
    expires_at = serializers.DateTimeField()
    url = serializers.CharField(help_text="Path and query to open the WebSocket with.")
