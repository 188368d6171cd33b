"""The frame: what a client of the WebSocket receives."""

from __future__ import annotations

from typing import Any

from core.realtime.models import Event

Frame = dict[str, Any]


def frame_of(event: Event) -> Frame:
    """Return an event as it goes over the wire."""
    return {
        "type": event.type,
        "topic": event.topic,
        "seq": event.seq,
        "ts": event.created_at.isoformat().replace("+00:00", "Z"),
        "data": event.data,
    }
