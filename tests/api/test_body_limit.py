"""A body that nobody would accept is refused before it costs memory or disk."""

from __future__ import annotations

import json

import pytest
from asgiref.testing import ApplicationCommunicator
from rest_framework.test import APIClient

from core.api.body_limit import BodyLimit


async def read_all(scope, receive, send):
    """Read the whole body, and answer with the length that the request says and that it has."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    said = dict(scope["headers"])[b"content-length"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%s %d" % (said, len(body))})


async def answer_to(*chunks, declared=None):
    chunked = [(b"transfer-encoding", b"chunked")]
    headers = chunked if declared is None else [(b"content-length", b"%d" % declared)]
    limited = BodyLimit(read_all, max_bytes=10)
    wire = ApplicationCommunicator(limited, {"type": "http", "headers": headers})
    for chunk in chunks:
        more = chunk is not chunks[-1]
        await wire.send_input({"type": "http.request", "body": chunk, "more_body": more})
    start = await wire.receive_output(5)
    body = await wire.receive_output(5)
    await wire.wait(5)
    assert wire.input_queue.empty(), "the client could send all it had"
    return start["status"], body["body"]


@pytest.mark.parametrize("declared", [10, None])
async def test_a_body_up_to_the_limit_passes(declared):
    assert await answer_to(b"x" * 4, b"y" * 6, declared=declared) == (200, b"10 10")


@pytest.mark.parametrize("declared", [12, None])
async def test_a_larger_one_is_413_whether_it_says_so_or_not(declared):
    status, body = await answer_to(b"x" * 4, b"y" * 7, b"z", declared=declared)
    assert status == 413
    assert json.loads(body).keys() == {"code", "message", "details", "request_id"}
    assert json.loads(body)["request_id"]


@pytest.mark.django_db
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_a_json_body_over_the_limit_is_413(django_user_model, settings, headers):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_user("t@example.com", "x" * 12))
    body = {"name": "x" * 2000, "template": "sma_cross"}
    response = client.post("/api/v1/strategies", body, format="json", headers=headers)
    assert response.status_code == 413
    assert response.json()["code"] == "too_large"
