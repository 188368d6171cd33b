"""A caller may wait for the end of the work, and holds nothing meanwhile."""

from __future__ import annotations

import asyncio
import socket
import time
from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async
from django.http import JsonResponse
from django.test import AsyncClient, RequestFactory, override_settings
from django.urls import path

from core.realtime.hub import INBOX_SIZE, Inbox, hub
from core.realtime.services import event_publish
from core.realtime.waiting import preferred_wait_s, waitable

TOPIC = "backtest:01981f4e-6a43-7c1f-9d0e-2f6f8f0c2a11"
job = SimpleNamespace(user_id=None, result=None, looks=0, default_wait_s=0, on_look=None)
job.show = None


def start(request):
    def look():
        job.looks += 1
        if job.on_look:
            job.on_look()
        return job.result

    return waitable(
        JsonResponse({"status": "queued"}, status=202, headers={"Location": "/job"}),
        user_id=job.user_id,
        topic=TOPIC,
        look=look,
        default_wait_s=job.default_wait_s,
        show=job.show,
    )


urlpatterns = [path("start", start)]


@pytest.fixture
async def client(user):
    job.user_id, job.result, job.looks, job.default_wait_s = user.id, None, 0, 0
    job.on_look = job.show = None
    with override_settings(ROOT_URLCONF=__name__):
        yield AsyncClient()
    await hub().close()


async def finish_after(delay_s, *, tell=True):
    await asyncio.sleep(delay_s)
    job.result = {"status": "completed"}
    if tell:
        await sync_to_async(event_publish)(
            user_id=job.user_id, topic=TOPIC, type="run.completed", data={}
        )


async def test_who_states_no_preference_gets_the_202_at_once(client):
    response = await client.get("/start")
    assert (response.status_code, job.looks) == (202, 0)


async def test_who_waits_gets_the_result_as_soon_as_it_is_there(client):
    finishing = asyncio.create_task(finish_after(0.1))
    started = time.monotonic()
    response = await client.get("/start", headers={"Prefer": "wait=10"})
    assert (response.status_code, response.json()) == (200, {"status": "completed"})
    assert response.headers["Location"] == "/job"
    assert time.monotonic() - started < 1.5, "the frame wakes it, not the look every 2 s"
    await finishing


async def test_a_lost_frame_only_costs_time(client):
    finishing = asyncio.create_task(finish_after(0.1, tell=False))
    response = await client.get("/start", headers={"Prefer": "wait=10"})
    assert response.status_code == 200
    await finishing


async def test_without_redis_the_result_still_comes(client, settings):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{unused.getsockname()[1]}/0"
        finishing = asyncio.create_task(finish_after(0.1, tell=False))
        response = await client.get("/start", headers={"Prefer": "wait=10"})
        assert response.status_code == 200
        await finishing


async def test_after_the_time_is_over_the_202_goes_out(client):
    response = await client.get("/start", headers={"Prefer": "wait=1"})
    assert (response.status_code, response.json()) == (202, {"status": "queued"})


async def test_after_the_time_is_over_it_is_told_how_the_work_stands_now(client):
    job.show = lambda: {"status": "running"}
    response = await client.get("/start", headers={"Prefer": "wait=1"})
    assert (response.status_code, response.json()) == (202, {"status": "running"})
    assert response.headers["Location"] == "/job"


async def test_an_endpoint_may_wait_by_default_and_a_caller_may_decline(client):
    job.default_wait_s, job.result = 10, {"status": "completed"}
    assert (await client.get("/start")).status_code == 200
    assert (await client.get("/start", headers={"Prefer": "wait=0"})).status_code == 202


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=5", 5),
        ("respond-async, wait=5", 5),
        ("WAIT = 5", 5),
        ("wait", 10),
        ("wait=9999", 30),
        ("wait=-1", 3),
        ("await=7", 3),
        ("", 3),
    ],
)
def test_the_preference_is_read_as_the_rfc_writes_it(header, seconds):
    request = RequestFactory().get("/", headers={"Prefer": header})
    assert preferred_wait_s(request, 3) == seconds


async def test_a_flood_of_frames_does_not_make_a_waiting_request_spin(client, monkeypatch):
    loop = asyncio.get_running_loop()
    reads = []

    def flood():
        for inboxes in hub()._inboxes.values():
            for inbox in inboxes:
                for _ in range(INBOX_SIZE + 1):
                    inbox.put({"type": "order.filled", "topic": "orders", "seq": 1})

    async def get_counted(inbox, get=Inbox.get):
        reads.append(inbox)
        return await get(inbox)

    monkeypatch.setattr(Inbox, "get", get_counted)
    job.on_look = lambda: loop.call_soon_threadsafe(flood)
    response = await client.get("/start", headers={"Prefer": "wait=1"})
    assert response.status_code == 202
    assert len(reads) < 2 * INBOX_SIZE
