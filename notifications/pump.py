"""Many deliveries at once, so that nobody waits behind somebody else's slow or broken channel.

One process at a time pumps: it holds a lock of the database, which a killed process gives back,
and the next one settles what was on its way there. Services are called in threads, one message a
channel at a time and a few for each owner and kind; those that fail have half of the room, and one
that keeps failing rests. All rows are read and written by the thread that pumps.

When its time is up it gives the lock back at once, and only then waits for what is on its way: the
next process goes on meanwhile, with all channels but those.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from core.outbox.services import task_enqueue
from notifications.channels.base import Blame, DeliveryError
from notifications.choices import SEND_TASK, DeliveryStatus
from notifications.dispatch import (
    Attempt,
    attempt_end,
    attempt_perform,
    deliveries_sweep,
    delivery_claim,
    due_list,
)
from notifications.models import Delivery, UserChannel
from notifications.senders import sender_lock
from notifications.service_faults import faults_resting

log = structlog.get_logger(__name__)

# Any number that nothing else in this database takes for a lock of its own.
LOCK_ID: Final = 7_201_995_001
THREADS: Final = 32
PER_KIND: Final = 12
PER_OWNER_AND_KIND: Final = 3
# Of those that failed the last time; where many hang at once, the others have room.
FAILING_PER_KIND: Final = 6
AHEAD_PER_CHANNEL: Final = 20
AHEAD: Final = 1000
LOOK_EVERY_S: Final = 0.2
BUDGET_S: Final = 20.0
# No service is given longer; a message that was begun before is none that is on its way.
LONGEST_S: Final = 30

Share = str | tuple[UUID | str, str]
FAILING: Final = "failing"


def deliveries_pump(*, budget_s: float = BUDGET_S) -> int:
    """Send what is due until nothing is, or the time is up; return how many messages were tried.

    Where another process pumps, it sends what is due here too: nothing is done. What becomes due
    while that one ends is not lost, for it looks once more after it has given the lock back.
    """
    tried = 0
    deadline = time.monotonic() + budget_s
    while True:
        with (
            sender_lock() as sender,
            ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as threads,
        ):
            pump = _Pump(threads, deadline, sender=sender)
            with _lock() as mine:
                if not mine:
                    return tried
                deliveries_sweep()
                pump.run()
            if pump.is_flying:
                _hand_over()
            tried += pump.land_all()
        if not _due_now().exists():
            return tried
        if time.monotonic() >= deadline:
            _hand_over()
            return tried


def _hand_over() -> None:
    """Have another process go on with what is due, if anything is."""
    rest = _due_now().values_list("id", flat=True).first()
    if rest is not None:
        with transaction.atomic():
            task_enqueue(task=SEND_TASK, args=[str(rest)], queue="alerts")


class _Pump:
    """One holder of the lock: what waits by channel, and what is on its way."""

    def __init__(self, threads: ThreadPoolExecutor, deadline: float, *, sender: int) -> None:
        self._threads = threads
        self._deadline = deadline
        self._sender = sender
        self._ahead: dict[UUID | None, deque[Delivery]] = {}
        self._flying: dict[Future[str | DeliveryError], Attempt] = {}
        self._seen_at = -LOOK_EVERY_S
        self._tried = 0

    @property
    def is_flying(self) -> bool:
        """Whether messages are on their way."""
        return bool(self._flying)

    def run(self) -> None:
        """Send until nothing is due and nothing is on its way, or the time is up."""
        while time.monotonic() < self._deadline:
            self._look()
            self._launch()
            if not self._flying and not self._ahead:
                return
            self._land_some()

    def land_all(self) -> int:
        """Wait for what is on its way; return how many messages were tried in all."""
        while self._flying:
            self._land_some()
        return self._tried

    def _land_some(self) -> None:
        done, _ = wait(self._flying, timeout=LOOK_EVERY_S, return_when=FIRST_COMPLETED)
        for future in done:
            self._land(future)

    def _look(self) -> None:
        """Read what is due, a few of each channel, so that none crowds out another."""
        now = time.monotonic()
        if self._ahead and now - self._seen_at < LOOK_EVERY_S:
            return
        self._seen_at = now
        self._ahead.clear()
        place = Window(RowNumber(), partition_by=[F("channel_id")], order_by=[F("due_at"), F("id")])
        own = [attempt.channel.id for attempt in self._flying.values()]
        rows = _due_now(own).annotate(place=place).filter(place__lte=AHEAD_PER_CHANNEL)
        for row in rows.order_by("place", "due_at")[:AHEAD]:
            self._ahead.setdefault(row.channel_id, deque()).append(row)

    def _launch(self) -> None:
        """Start what may start now."""
        busy = {attempt.channel.id for attempt in self._flying.values()}
        shares: Counter[Share] = Counter(
            key for one in self._flying.values() for key in _shares(one.channel)
        )
        for channel_id, rows in sorted(self._ahead.items(), key=_failed_before):
            channel = rows[0].channel
            if channel_id in busy or (channel is not None and _crowded(shares, channel)):
                continue
            attempt = self._next(rows)
            if attempt is None or not rows:
                self._ahead.pop(channel_id)
            if attempt is not None:
                self._flying[self._threads.submit(attempt_perform, attempt)] = attempt
                self._tried += 1
                shares.update(_shares(attempt.channel))

    def _next(self, rows: deque[Delivery]) -> Attempt | None:
        """Claim the first of a channel's deliveries that may be sent."""
        while rows:
            attempt = delivery_claim(rows.popleft(), sender=self._sender)
            if attempt is not None:
                return attempt
        return None

    def _land(self, future: Future[str | DeliveryError]) -> None:
        attempt = self._flying.pop(future)
        fault = future.exception()
        if fault is None:
            outcome = future.result()
        else:
            # A fault of ours in one message must not hold up the others.
            log.error("delivery.errored", kind=attempt.channel.kind, exc_info=fault)
            outcome = DeliveryError("something broke on our side", unknown=True)
        attempt_end(attempt, outcome)
        if isinstance(outcome, DeliveryError):
            # The channel, or the service for all, may have to rest now: what was read is old.
            self._ahead.pop(attempt.channel.id, None)
            if outcome.blame is Blame.OPERATOR:
                self._ahead.clear()


def _failed_before(waiting: tuple[UUID | None, deque[Delivery]]) -> bool:
    """Return the order in which channels have their turn: first those that work."""
    channel = waiting[1][0].channel
    return channel is not None and channel.failures > 0


def _shares(channel: UserChannel) -> tuple[Share, ...]:
    """Return what a channel shares with others: its kind, and its owner's part of that."""
    shares = (channel.kind, (channel.owner_id, channel.kind))
    return (*shares, (FAILING, channel.kind)) if channel.failures else shares


def _crowded(shares: Counter[Share], channel: UserChannel) -> bool:
    at_most = (PER_KIND, PER_OWNER_AND_KIND, FAILING_PER_KIND)
    return any(shares[key] >= most for key, most in zip(_shares(channel), at_most, strict=False))


def _due_now(own: Collection[UUID] = ()) -> QuerySet[Delivery]:
    """Return what is due on channels that do not rest.

    Those to which another process has a message on its way wait for it; `own` are those of this.
    """
    now = timezone.now()
    flying = Delivery.objects.filter(
        channel=OuterRef("channel"),
        status=DeliveryStatus.SENDING,
        tried_at__gt=now - timedelta(seconds=LONGEST_S),
    )
    resting = faults_resting(now).filter(kind=OuterRef("channel__kind"))
    return due_list(now).filter(
        Q(channel__resume_at=None) | Q(channel__resume_at__lte=now),
        Q(channel__in=own) | ~Exists(flying),
        ~Exists(resting),
    )


@contextmanager
def _lock() -> Iterator[bool]:
    """Hold the pump's lock, if it is free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_ID])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_ID])
