"""One Redis subscription per process, shared by every socket and every waiting request.

`Hub.listen` gives an inbox for a user. An inbox is bounded: a reader that does not keep up is told
so and dropped, instead of being buffered for ever. When Redis goes away the hub reconnects, and
each inbox gets a `RESYNC` mark: its reader then looks into the database for what it missed.

An inbox may join broadcast topics as well. Their frames only take the room that numbered ones
leave: prices never crowd out an order.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings
from redis import RedisError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from core.realtime.broadcast import WANTED_S, channel_of_topic, last_of_topic, wanted_topics
from core.realtime.frames import Frame
from core.realtime.push import channel_of

log = structlog.get_logger(__name__)

INBOX_SIZE = 256
# Of these, how many broadcast frames may wait.
BROADCASTS_WAITING = INBOX_SIZE // 2
RECONNECT_AFTER_S = 0.5
# A subscription that never ends: the connection stays open while nobody listens.
ALWAYS: Final = "realtime:always"
RESYNC: Final[Frame] = {"type": "resync"}
OVERFLOW: Final[Frame] = {"type": "overflow"}


class Inbox:
    """Frames of one user for one reader, at most `INBOX_SIZE` of them."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Frame] = asyncio.Queue(INBOX_SIZE)
        self._overflowed = False

    def put(self, frame: Frame) -> None:
        """Add a frame; past the bound the inbox is lost, and `get` says so."""
        try:
            self._queue.put_nowait(frame)
        except asyncio.QueueFull:
            self._overflowed = True

    def offer(self, frame: Frame) -> None:
        """Add a frame that may be missed; it is, where the reader is behind."""
        if self._queue.qsize() < BROADCASTS_WAITING:
            self._queue.put_nowait(frame)

    async def get(self) -> Frame:
        """Return the next frame, or `OVERFLOW` where the reader was too slow."""
        if self._overflowed:
            return OVERFLOW
        return await self._queue.get()


class Hub:
    """Fans the frames of Redis out to inboxes. Belongs to one event loop."""

    def __init__(self) -> None:
        self._inboxes: defaultdict[str, set[Inbox]] = defaultdict(set)
        self._audiences: defaultdict[str, set[Inbox]] = defaultdict(set)
        self._client: Redis | None = None
        self._pubsub: PubSub | None = None
        self._reader: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listen(self, user_id: UUID) -> AsyncIterator[Inbox]:
        """Give an inbox that holds every frame pushed to the user from now on."""
        channel = channel_of(user_id)
        inbox = Inbox()
        first = channel not in self._inboxes
        self._inboxes[channel].add(inbox)
        try:
            if first:
                await self._subscribe(channel)
            yield inbox
        finally:
            self._inboxes[channel].discard(inbox)
            if not self._inboxes[channel]:
                del self._inboxes[channel]
                await self._unsubscribe(channel)

    async def join(self, inbox: Inbox, topics: Iterable[str]) -> list[Frame]:
        """Have an inbox hear broadcast topics too; return the last frame of each that has one."""
        wanted = list(topics)
        for topic in wanted:
            channel = channel_of_topic(topic)
            self._audiences[channel].add(inbox)
            await self._subscribe(channel)
        await self.want(wanted)
        return await self._last(wanted)

    async def leave(self, inbox: Inbox, topics: Iterable[str]) -> None:
        """Have an inbox hear broadcast topics no more."""
        for topic in topics:
            channel = channel_of_topic(topic)
            self._audiences[channel].discard(inbox)
            if not self._audiences[channel]:
                del self._audiences[channel]
                await self._unsubscribe(channel)

    async def want(self, topics: Iterable[str]) -> None:
        """Tell whoever makes the frames of these topics that somebody listens."""
        until = dict.fromkeys(topics, time.time() + WANTED_S)
        if until and self._client is not None:
            with suppress(RedisError, OSError):
                await self._client.zadd(wanted_topics(), until)

    async def _last(self, topics: list[str]) -> list[Frame]:
        if not topics or self._client is None:
            return []
        try:
            kept = await self._client.mget([last_of_topic(topic) for topic in topics])
        except (RedisError, OSError):
            return []
        return [json.loads(frame) for frame in kept if frame is not None]

    async def close(self) -> None:
        """Stop reading and close the connections."""
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader
            self._reader = None
        if self._pubsub is not None:
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
            self._pubsub = None
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _subscribe(self, channel: str) -> None:
        if self._client is None:
            self._client = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1)
        if self._pubsub is None:
            self._pubsub = self._client.pubsub()
        # Without Redis the reader below keeps trying; callers also look into the database.
        with suppress(RedisError, OSError):
            await self._pubsub.subscribe(ALWAYS, channel)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(), name="realtime-hub")

    async def _unsubscribe(self, channel: str) -> None:
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.unsubscribe(channel)

    async def _read(self) -> None:
        """Read for ever; reconnect and mark every inbox after a break."""
        while self._pubsub is not None:
            try:
                message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=30)
            except (RedisError, OSError, RuntimeError) as error:
                log.warning("realtime.hub_lost_redis", error=str(error))
                await asyncio.sleep(RECONNECT_AFTER_S)
                await self._resubscribe()
                continue
            if message is not None and message["type"] == "message":
                self._deliver(message["channel"].decode(), json.loads(message["data"]))

    async def _resubscribe(self) -> None:
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.subscribe(ALWAYS, *self._inboxes, *self._audiences)
        for inboxes in self._inboxes.values():
            for inbox in inboxes:
                inbox.put(RESYNC)

    def _deliver(self, channel: str, frame: Frame) -> None:
        for inbox in self._inboxes.get(channel, ()):
            inbox.put(frame)
        for inbox in self._audiences.get(channel, ()):
            inbox.offer(frame)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
