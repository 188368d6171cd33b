"""The WebSocket as a client sees it, over the real Redis."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from django.db import OperationalError

from core.realtime import consumers
from core.realtime.broadcast import channel_of_topic, last_of_topic, wanted_topics
from core.realtime.consumers import MAX_REPLAYS, EventConsumer
from core.realtime.hub import BROADCASTS_WAITING, Inbox, hub
from core.realtime.push import publisher, push
from core.realtime.routing import websocket_urlpatterns
from core.realtime.services import event_publish, sessions_close, ticket_create

TOPIC = "backtest:01981f4e-6a43-7c1f-9d0e-2f6f8f0c2a11"
publish = sync_to_async(event_publish)


class Socket:
    """A client of the socket, message by message as ASGI writes them."""

    def __init__(self, query):
        scope = {"type": "websocket", "path": "/ws/v1/", "query_string": query, "headers": []}
        self.wire = ApplicationCommunicator(URLRouter(websocket_urlpatterns), scope)

    async def connect(self):
        await self.wire.send_input({"type": "websocket.connect"})
        assert (await self.wire.receive_output(5))["type"] == "websocket.accept"

    async def send(self, text):
        await self.wire.send_input({"type": "websocket.receive", "text": text})

    async def receive(self):
        message = await self.wire.receive_output(5)
        return json.loads(message["text"]) if "text" in message else message

    async def disconnect(self):
        await self.wire.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wire.wait(5)


@pytest.fixture
async def socket_of(user):
    opened = []

    async def open_socket(token=None):
        if token is None:
            token, _ = await sync_to_async(ticket_create)(user_id=user.id)
        socket = Socket(f"ticket={token}".encode())
        await socket.connect()
        opened.append(socket)
        return socket

    yield open_socket
    for socket in opened:
        await socket.disconnect()
    await hub().close()


async def subscribe(socket, *topics, **options):
    message = {"action": "subscribe", "topics": list(topics), **options}
    await socket.send(json.dumps(message))
    while (frame := await socket.receive())["type"] != "subscribed":
        assert frame["type"] == "ready"
    return frame


async def test_a_subscriber_gets_the_frames_of_its_topic_only(socket_of, user):
    socket = await socket_of()
    await subscribe(socket, TOPIC)
    await publish(user_id=user.id, topic="orders", type="order.filled", data={})
    await publish(user_id=user.id, topic=TOPIC, type="run.progress", data={"progress": 0.5})
    frame = await socket.receive()
    assert (frame["type"], frame["topic"], frame["seq"]) == ("run.progress", TOPIC, 2)
    assert frame["data"] == {"progress": 0.5}
    assert frame["ts"].endswith("Z")


async def test_missed_frames_are_sent_again_in_order_and_once(socket_of, user):
    for number in range(3):
        await publish(user_id=user.id, topic=TOPIC, type="run.progress", data={"n": number})
    socket = await socket_of()
    await subscribe(socket, TOPIC, last_seq=1)
    assert [(await socket.receive())["seq"] for _ in range(2)] == [2, 3]
    await publish(user_id=user.id, topic=TOPIC, type="run.completed", data={})
    assert (await socket.receive())["seq"] == 4


async def test_frames_of_another_user_never_arrive(socket_of, user, django_user_model):
    other = await sync_to_async(django_user_model.objects.create_user)("o@example.com", "x" * 12)
    socket = await socket_of()
    await subscribe(socket, TOPIC, last_seq=0)
    await publish(user_id=other.id, topic=TOPIC, type="secret", data={})
    await publish(user_id=user.id, topic=TOPIC, type="mine", data={})
    assert (await socket.receive())["type"] == "mine"


async def test_pushes_that_are_lost_or_out_of_order_change_nothing(socket_of, user, monkeypatch):
    socket = await socket_of()
    await subscribe(socket, TOPIC)
    late = []
    with monkeypatch.context() as patch:
        patch.setattr("core.realtime.services.push", lambda **message: late.append(message))
        for number in range(3):
            await publish(user_id=user.id, topic=TOPIC, type="run.progress", data={"n": number})
    push(**late[2])
    push(**late[0])
    await publish(user_id=user.id, topic=TOPIC, type="run.completed", data={})
    assert [(await socket.receive())["seq"] for _ in range(4)] == [1, 2, 3, 4]


async def test_a_used_ticket_is_told_and_the_socket_closed(socket_of, user):
    token, _ = await sync_to_async(ticket_create)(user_id=user.id)
    await socket_of(token)
    second = await socket_of(token)
    assert (await second.receive())["code"] == "unauthenticated"
    assert (await second.receive())["code"] == 4401


async def test_the_end_of_the_session_closes_the_socket(socket_of, user):
    socket = await socket_of()
    await subscribe(socket, TOPIC)
    await sync_to_async(sessions_close)(user_id=user.id)
    assert (await socket.receive())["code"] == 4403


async def test_a_ticket_from_before_the_end_of_the_session_is_void(socket_of, user):
    token, _ = await sync_to_async(ticket_create)(user_id=user.id)
    await sync_to_async(sessions_close)(user_id=user.id)
    assert (await (await socket_of(token)).receive())["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        "7",
        '{"action": "dance"}',
        '{"action": "subscribe", "topics": [7]}',
        '{"action": "subscribe", "topics": "orders"}',
        "[" * 15_000,
    ],
)
async def test_a_message_it_does_not_understand_is_answered_and_harmless(socket_of, message, user):
    socket = await socket_of()
    await socket.send(message)
    assert (await socket.receive())["type"] == "ready"
    frame = await socket.receive()
    assert frame["type"] == "error"
    await subscribe(socket, TOPIC)


@pytest.mark.parametrize("action", [[], {}, None, 1])
async def test_an_action_that_is_no_word_is_answered_not_fatal(socket_of, action):
    socket = await socket_of()
    assert (await socket.receive())["type"] == "ready"
    await socket.send(json.dumps({"action": action}))
    assert (await socket.receive())["code"] == "malformed"
    await socket.send('{"action": "ping"}')
    assert (await socket.receive())["type"] == "pong"


async def test_replays_are_not_queued_without_end(socket_of, monkeypatch):
    async def never_done(*_, **__):
        await asyncio.Event().wait()

    monkeypatch.setattr(EventConsumer, "_replay", never_done)
    socket = await socket_of()
    for _ in range(20):
        await socket.send(json.dumps({"action": "subscribe", "topics": [TOPIC], "last_seq": 0}))
    await socket.send('{"action": "ping"}')
    codes = []
    while (frame := await socket.receive())["type"] != "pong":
        codes.append(frame.get("code"))
    assert codes.count("too_many_replays") == 20 - 1 - MAX_REPLAYS


async def test_a_socket_that_can_not_read_the_store_closes_and_is_not_mute(socket_of, monkeypatch):
    def away(**_):
        raise OperationalError("the database is away")

    monkeypatch.setattr("core.realtime.consumers.events_between", away)
    socket = await socket_of()
    await subscribe(socket, TOPIC, last_seq=0)
    closed = await socket.receive()
    assert (closed["type"], closed["code"]) == ("websocket.close", 1013)


async def test_a_slow_client_that_goes_first_leaves_nothing_behind(user, monkeypatch):
    async def never_sent(*_):
        raise TimeoutError

    async def gone(*_):
        raise RuntimeError("Unexpected ASGI message 'websocket.close'")

    token, _ = await sync_to_async(ticket_create)(user_id=user.id)
    socket = Socket(f"ticket={token}".encode())
    await socket.connect()
    assert (await socket.receive())["type"] == "ready"
    monkeypatch.setattr(EventConsumer, "_pass_on", never_sent)
    monkeypatch.setattr(EventConsumer, "close", gone)
    await publish(user_id=user.id, topic=TOPIC, type="run.progress", data={})
    await asyncio.sleep(0.3)
    await socket.disconnect()
    assert not hub()._inboxes
    await hub().close()


QUOTES = "quotes:BTC/USDT:USDT"


def quoted(price):
    return {"type": "quote", "topic": QUOTES, "seq": None, "ts": "now", "data": {"price": price}}


@pytest.fixture
def told(settings):
    """Make a frame of the topic, as whoever polls prices does."""
    settings.REDIS_NAMESPACE = f"socket-{id(object())}"

    def tell(price):
        frame = json.dumps(quoted(price))
        publisher().set(last_of_topic(QUOTES), frame)
        publisher().publish(channel_of_topic(QUOTES), frame)

    yield sync_to_async(tell)
    for key in publisher().scan_iter(f"{settings.REDIS_NAMESPACE}:*"):
        publisher().delete(key)


async def test_a_broadcast_topic_tells_its_last_frame_and_then_each_new_one(socket_of, user, told):
    await told("100")
    socket = await socket_of()
    await subscribe(socket, QUOTES, TOPIC)
    assert await socket.receive() == quoted("100")
    await told("101")
    assert await socket.receive() == quoted("101")
    await publish(user_id=user.id, topic=TOPIC, type="run.progress", data={})
    assert (await socket.receive())["seq"] == 1


async def test_who_unsubscribes_from_a_broadcast_hears_no_more_of_it(socket_of, user, told):
    socket = await socket_of()
    await subscribe(socket, QUOTES, TOPIC)
    await socket.send(json.dumps({"action": "unsubscribe", "topics": [QUOTES]}))
    assert (await socket.receive())["topics"] == [TOPIC]
    await told("101")
    await publish(user_id=user.id, topic=TOPIC, type="run.progress", data={})
    assert (await socket.receive())["type"] == "run.progress"
    assert channel_of_topic(QUOTES) not in hub()._audiences


async def test_a_subscription_is_seen_by_whoever_makes_the_frames(socket_of, told, monkeypatch):
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(consumers, "RENEW_AFTER_S", 0.1)
    socket = await socket_of()
    await subscribe(socket, QUOTES)
    score = sync_to_async(publisher().zscore)
    first = await score(wanted_topics(), QUOTES)
    assert 590 < first - time.time() <= 600
    await asyncio.sleep(0.5)
    assert await score(wanted_topics(), QUOTES) > first


async def test_prices_leave_room_for_numbered_frames():
    inbox = Inbox()
    for _ in range(10 * BROADCASTS_WAITING):
        inbox.offer(quoted("100"))
    inbox.put({"type": "order.filled", "topic": "orders", "seq": 1})
    waiting = [await inbox.get() for _ in range(BROADCASTS_WAITING + 1)]
    assert waiting[-1]["type"] == "order.filled"
