"""Publishing many events in a transaction: a number each, in as few statements as one takes.

The rows that hold the users' numbers are locked in the order of the users' ids, and late in the
transaction, so that two transactions that tell the same users cannot wait for each other.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
import structlog
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import F

from core.realtime.frames import frame_of
from core.realtime.models import Event, EventSequence
from core.realtime.push import channel_of, publisher

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """What a user's sockets are told; the fields of an event."""

    user_id: UUID
    topic: str
    type: str
    data: dict[str, Any]


def news_publish(news: Sequence[News]) -> list[Event]:
    """Write events in their order, push them after the commit, and return them.

    Call it inside the transaction that made them happen.
    """
    if not news:
        return []
    last = _numbers_take(Counter(one.user_id for one in news))
    events = []
    for one in news:
        last[one.user_id] += 1
        events.append(
            Event(
                user_id=one.user_id,
                seq=last[one.user_id],
                topic=one.topic,
                type=one.type,
                data=one.data,
            )
        )
    Event.objects.bulk_create(events)
    transaction.on_commit(lambda: _push(events), robust=True)
    return events


def _numbers_take(wanted: Counter[UUID]) -> dict[UUID, int]:
    """Take so many numbers for each user, and return the last number before them."""
    users = sorted(wanted)
    rows = EventSequence.objects.select_for_update().order_by("user_id")
    before = dict(rows.filter(user_id__in=users).values_list("user_id", "last_seq"))
    if missing := [user for user in users if user not in before]:
        EventSequence.objects.bulk_create(
            [EventSequence(user_id=user) for user in missing], ignore_conflicts=True
        )
        before |= dict(rows.filter(user_id__in=missing).values_list("user_id", "last_seq"))
    for count in set(wanted.values()):
        EventSequence.objects.filter(
            user_id__in=[user for user in users if wanted[user] == count]
        ).update(last_seq=F("last_seq") + count)
    return before


def _push(events: Sequence[Event]) -> None:
    """Send the frames in one go; give up quietly without Redis: the rows are there."""
    try:
        pipeline = publisher().pipeline(transaction=False)
        for event in events:
            message = json.dumps(frame_of(event), cls=DjangoJSONEncoder, separators=(",", ":"))
            pipeline.publish(channel_of(event.user_id), message)
        pipeline.execute()
    except redis.RedisError as error:
        log.warning("realtime.push_lost", events=len(events), error=str(error))
