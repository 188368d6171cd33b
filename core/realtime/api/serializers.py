from __future__ import annotations

from rest_framework import serializers


class TicketOutput(serializers.Serializer[dict[str, object]]):
    """A one-time pass to the WebSocket."""

    ticket = serializers.CharField(help_text="Use it once, as /ws/v1/?ticket=…")
    expires_at = serializers.DateTimeField()
    url = serializers.CharField(help_text="Path and query to open the WebSocket with.")
