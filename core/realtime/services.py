"""Publishing events and handing out tickets.

An event is a row first: it takes the user's next number in the transaction that made it happen.
After the commit it is pushed to whoever listens; if that push is lost, the row is still there, and
a client that reconnects with its last number is sent what it missed.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from core.realtime.frames import frame_of
from core.realtime.models import Event, Ticket
from core.realtime.push import SESSIONS_ENDED, push

TICKET_LIFETIME = timedelta(seconds=30)
EVENT_RETENTION = timedelta(days=7)

# One statement takes the next number and holds the user's row until the commit: the order of the
# numbers is the order of the commits, so a reader who has seen n has seen everything below n.
NEXT_SEQ = """
    INSERT INTO realtime_eventsequence (user_id, last_seq) VALUES (%s, 1)
    ON CONFLICT (user_id) DO UPDATE SET last_seq = realtime_eventsequence.last_seq + 1
    RETURNING last_seq
"""


def event_publish(*, user_id: UUID, topic: str, type: str, data: dict[str, Any]) -> Event:  # noqa: A002 - the frame's own word
    """Write an event and push it to the user's sockets after the commit.

    Parameters
    ----------
    user_id : UUID
        Who may see it.
    topic : str
        What it is about: ``"backtest:<id>"``, ``"orders"``, ``"alerts"``.
    type : str
        What happened: ``"run.progress"``, ``"order.filled"``.
    data : dict
        Plain JSON.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(NEXT_SEQ, [user_id])
            (seq,) = cursor.fetchone()
        event = Event.objects.create(user_id=user_id, seq=seq, topic=topic, type=type, data=data)
        transaction.on_commit(lambda: push(user_id=user_id, frame=frame_of(event)), robust=True)
    return event


def sessions_close(*, user_id: UUID) -> None:
    """Close the user's sockets after the commit, because their session has ended.

    Tickets that were handed out before are void too.
    """
    Ticket.objects.filter(user_id=user_id).delete()
    transaction.on_commit(lambda: push(user_id=user_id, frame=SESSIONS_ENDED), robust=True)


def ticket_create(*, user_id: UUID) -> tuple[str, Ticket]:
    """Return a one-time token for the WebSocket, and its row."""
    token = secrets.token_urlsafe(32)
    ticket = Ticket.objects.create(
        user_id=user_id,
        token_hash=token_hash(token),
        expires_at=timezone.now() + TICKET_LIFETIME,
    )
    return token, ticket


def ticket_redeem(*, token: str) -> UUID | None:
    """Use a ticket up and return its user, or None where it is unknown, used or too old."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM realtime_ticket WHERE token_hash = %s RETURNING user_id, expires_at",
            [token_hash(token)],
        )
        row = cursor.fetchone()
    if row is None or row[1] < timezone.now():
        return None
    user_id: UUID = row[0]
    return user_id


def token_hash(token: str) -> str:
    """Return what is stored of a ticket's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def events_prune() -> int:
    """Delete events past their retention and tickets past their time; return how many."""
    now = timezone.now()
    deleted, _ = Event.objects.filter(created_at__lt=now - EVENT_RETENTION).delete()
    expired, _ = Ticket.objects.filter(expires_at__lt=now).delete()
    return deleted + expired
