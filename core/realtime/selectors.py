from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from core.realtime.frames import Frame, frame_of
from core.realtime.models import Event, EventSequence


def events_between(
    *, user_id: UUID, after: int, until: int, topics: Iterable[str], limit: int
) -> list[Frame]:
    """Return the user's frames of these topics, numbers `after` + 1 to `until`, oldest first."""
    events = Event.objects.filter(
        user_id=user_id, seq__gt=after, seq__lte=until, topic__in=list(topics)
    )
    return [frame_of(event) for event in events.order_by("seq")[:limit]]


def seq_last(*, user_id: UUID) -> int:
    """Return the number of the user's last event, 0 where there is none."""
    last = EventSequence.objects.filter(user_id=user_id).values_list("last_seq", flat=True).first()
    return last or 0
