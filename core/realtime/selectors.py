from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from core.realtime.frames import Frame, frame_of
from core.realtime.models import Event


def events_after(*, user_id: UUID, seq: int, topics: Iterable[str], limit: int) -> list[Frame]:
    """Return the user's frames of these topics after number `seq`, oldest first."""
    events = Event.objects.filter(user_id=user_id, seq__gt=seq, topic__in=list(topics))
    return [frame_of(event) for event in events.order_by("seq")[:limit]]
