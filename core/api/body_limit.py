"""No body is kept that nobody would accept, and every body says its length."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from core.api.exceptions import error_body
from core.api.request_id import request_id_begin

Message = dict[str, Any]
Headers = list[tuple[bytes, bytes]]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


class BodyLimit:
    """Answers 413 for a larger body than any endpoint takes, before the application sees it.

    Django reads a whole body before the first middleware runs, so only here can it be refused. The
    rest of the body is read and dropped first: a client that is still sending sees no answer.

    A body sent in chunks is gathered and given a length: DRF takes one without for empty.
    """

    def __init__(self, application: Application, *, max_bytes: int) -> None:
        self.application = application
        self.max_bytes = max_bytes

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Pass the request on if its body is not too large."""
        headers = dict(scope["headers"])
        if b"transfer-encoding" in headers:
            body = await self._gather(receive)
            if body is None:
                await self._refuse(headers, send)
                return
            scope = {**scope, "headers": _with_length(scope["headers"], len(body))}
            receive = _replay(body, receive)
        else:
            declared = headers.get(b"content-length", b"")
            if declared.isdigit() and int(declared) > self.max_bytes:
                await _drop_rest(receive)
                await self._refuse(headers, send)
                return
        await self.application(scope, receive, send)

    async def _gather(self, receive: Receive) -> bytes | None:
        """Return the whole body; None where it is too large, or the client has gone."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.max_bytes:
                if more:
                    await _drop_rest(receive)
                return None
        return bytes(body)

    async def _refuse(self, headers: dict[bytes, bytes], send: Send) -> None:
        identifier = request_id_begin(headers.get(b"x-request-id", b"").decode("latin-1"))
        body = error_body(
            code="too_large",
            message=f"The body has more than {self.max_bytes:,} bytes: no endpoint takes as many.",
        )
        answer_headers = [
            (b"content-type", b"application/json"),
            (b"x-request-id", identifier.encode()),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": answer_headers})
        await send({"type": "http.response.body", "body": orjson.dumps(body)})


def _with_length(headers: Headers, length: int) -> Headers:
    named = [(name, value) for name, value in headers if name != b"transfer-encoding"]
    return [*named, (b"content-length", b"%d" % length)]


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return what gives the body first, and then what comes after it (a disconnect)."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _drop_rest(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass
