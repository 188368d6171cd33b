"""The WebSocket: subscribe to topics, receive numbered frames, catch up after a break."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any, Final
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.core.serializers.json import DjangoJSONEncoder
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from core.realtime.broadcast import RENEW_AFTER_S
from core.realtime.frames import Frame
from core.realtime.hub import OVERFLOW, RESYNC, Inbox, hub
from core.realtime.push import SESSIONS_ENDED
from core.realtime.selectors import events_between, seq_last
from core.realtime.services import ticket_redeem
from core.realtime.topics import topic_broadcast, topic_known

HEARTBEAT_S: Final = 20
SEND_TIMEOUT_S: Final = 10
MAX_TOPICS: Final = 200
# Each may read every frame of a week: who asks for more than can be sent waits for the first ones.
MAX_REPLAYS: Final = 8
MAX_MESSAGE_BYTES: Final = 16 * 1024
REPLAY_BATCH: Final = 500

TRY_AGAIN_LATER: Final = 1013
UNAUTHENTICATED: Final = 4401
SESSION_ENDED: Final = 4403
TOO_SLOW: Final = 4408

NO_TICKET: Final = "No valid ticket: get one from POST /api/v1/ws-ticket and use it within 30 s."


class EventConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket of one user.

    One coroutine writes all numbered frames. It sees every frame of the user, also of topics that
    are not subscribed: a number that is skipped, or that comes late, was pushed out of order or
    lost on the way, and what it stood for is read from the rows. So the client gets each frame
    once and in order, whatever happens to the pushes. Frames of broadcast topics have no number:
    they are passed on as they come.
    """

    async def connect(self) -> None:
        """Redeem the ticket and begin to listen; only then say that we are ready."""
        self.topics: set[str] = set()
        self.replays: asyncio.Queue[tuple[int, frozenset[str]]] = asyncio.Queue(MAX_REPLAYS)
        self.writer: asyncio.Task[None] | None = None
        self.closing = contextlib.AsyncExitStack()
        token = parse_qs(self.scope["query_string"].decode()).get("ticket", [""])[0]
        self.user_id = await database_sync_to_async(ticket_redeem)(token=token)
        await self.accept()
        if self.user_id is None:
            await self._refuse("unauthenticated", NO_TICKET)
            await self.close(UNAUTHENTICATED)
            return
        inbox = await self.closing.enter_async_context(hub().listen(self.user_id))
        self.inbox, self.renewed_at = inbox, time.monotonic()
        self.closing.push_async_callback(self._leave)
        self.seen = await database_sync_to_async(seq_last)(user_id=self.user_id)
        await self._say({"type": "ready"})
        self.writer = asyncio.create_task(self._write(inbox), name=f"socket-{self.user_id}")

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 - channels' signature
        """Stop writing and listening."""
        try:
            if self.writer is not None:
                self.writer.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self.writer
        finally:
            await self.closing.aclose()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Act on what the client asks for; a message it got wrong is answered, not fatal."""
        if self.writer is None:
            return
        if bytes_data is not None or text_data is None or len(text_data) > MAX_MESSAGE_BYTES:
            await self._refuse("malformed", "Send a JSON object as text, of at most 16 KiB.")
            return
        try:
            message = json.loads(text_data)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            await self._refuse("malformed", "This is not a JSON object.")
            return
        await self._act(message)

    async def _act(self, message: dict[str, Any]) -> None:
        action, topics = message.get("action"), message.get("topics", [])
        if action == "ping":
            await self._say({"type": "pong"})
            return
        if action not in ("subscribe", "unsubscribe"):  # a tuple: a list has no hash to look up
            await self._refuse("malformed", "`action` is subscribe, unsubscribe or ping.")
            return
        unknown = (
            [topic for topic in topics if not topic_known(topic)]
            if isinstance(topics, list)
            else [topics]
        )
        if unknown:
            await self._refuse("unknown_topic", f"No such topic: {unknown[0]!r}.")
            return
        last_seq = message.get("last_seq")
        if action != "subscribe" or type(last_seq) is not int:  # True is an int to isinstance
            last_seq = None
        if last_seq is not None and self.replays.full():
            await self._refuse("too_many_replays", "Wait for the frames you have asked for.")
            return
        if action == "unsubscribe":
            self.topics.difference_update(topics)
            await hub().leave(self.inbox, filter(topic_broadcast, topics))
        elif len(self.topics.union(topics)) > MAX_TOPICS:
            await self._refuse("too_many_topics", f"At most {MAX_TOPICS} topics a socket.")
            return
        else:
            self.topics.update(topics)
        last: list[Frame] = []
        if action == "subscribe":
            last = await hub().join(self.inbox, filter(topic_broadcast, topics))
        await self._say({"type": f"{action}d", "topics": sorted(self.topics)})
        for frame in last:
            await self._say(frame)
        if last_seq is not None:
            self.replays.put_nowait((last_seq, frozenset(topics)))

    async def _write(self, inbox: Inbox) -> None:
        """Merge live frames, replays and heartbeats until the client or its session goes away."""
        incoming = asyncio.ensure_future(inbox.get())
        replay = asyncio.ensure_future(self.replays.get())
        try:
            while True:
                done, _ = await asyncio.wait(
                    {incoming, replay}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    await self._say({"type": "heartbeat"})
                await self._renew()
                if replay in done:
                    after, topics = replay.result()
                    await self._replay(after, topics, until=self.seen)
                    replay = asyncio.ensure_future(self.replays.get())
                if incoming in done:
                    frame = incoming.result()
                    if frame is OVERFLOW or frame["type"] == SESSIONS_ENDED["type"]:
                        await self.close(TOO_SLOW if frame is OVERFLOW else SESSION_ENDED)
                        return
                    await self._pass_on(frame)
                    incoming = asyncio.ensure_future(inbox.get())
        except TimeoutError:
            await self._give_up(TOO_SLOW)
        except (OperationalError, InterfaceError):
            # Mute but open it would look alive: the client comes back, and catches up.
            await self._give_up(TRY_AGAIN_LATER)
        finally:
            incoming.cancel()
            replay.cancel()

    async def _give_up(self, code: int) -> None:
        with contextlib.suppress(RuntimeError):  # the client was first, and the server knows
            await self.close(code)

    async def _renew(self) -> None:
        """Say now and then that somebody still listens."""
        if time.monotonic() - self.renewed_at > RENEW_AFTER_S:
            self.renewed_at = time.monotonic()
            await hub().want(filter(topic_broadcast, self.topics))

    async def _leave(self) -> None:
        await hub().leave(self.inbox, filter(topic_broadcast, self.topics))

    async def _pass_on(self, frame: Frame) -> None:
        if frame is not RESYNC and frame["seq"] is None:
            if frame["topic"] in self.topics:
                await self._say(frame)
        elif frame is RESYNC or frame["seq"] > self.seen + 1:
            newest = await database_sync_to_async(seq_last)(user_id=self.user_id)
            await self._replay(self.seen, frozenset(self.topics), until=newest)
            self.seen = newest
        elif frame["seq"] == self.seen + 1:
            self.seen = frame["seq"]
            if frame["topic"] in self.topics:
                await self._say(frame)

    async def _replay(self, after: int, topics: frozenset[str], *, until: int) -> None:
        """Send the frames of these topics with numbers from `after` + 1 to `until`."""
        while True:
            frames = await database_sync_to_async(events_between)(
                user_id=self.user_id, after=after, until=until, topics=topics, limit=REPLAY_BATCH
            )
            for frame in frames:
                await self._say(frame)
                after = frame["seq"]
            if len(frames) < REPLAY_BATCH:
                return

    async def _refuse(self, code: str, message: str) -> None:
        await self._say({"type": "error", "code": code, "message": message})

    async def _say(self, frame: Frame) -> None:
        """Send one frame; a client that does not read for a while is given up."""
        frame = {"topic": None, "seq": None, "ts": timezone.now(), "data": {}} | frame
        text = json.dumps(frame, cls=DjangoJSONEncoder, separators=(",", ":"))
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self.send(text_data=text)
