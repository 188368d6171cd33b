"""`Prefer: wait=N`: answer when the work is done, without holding what others need.

A view answers 202 and marks the answer `waitable`. If the caller prefers to wait, the middleware
lets the request sleep as a coroutine on the process's one Redis subscription: it holds no thread
that another request needs and no database connection, so thousands may wait at once. It looks
into the database once after it began to listen (the work may be done already), after each frame of
the topic, and every few seconds in case a frame or Redis itself was lost.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core.api.idempotency import answer_store
from core.api.renderers import FiniteJSONRenderer
from core.api.wrapping import Wrapper
from core.realtime.hub import OVERFLOW, RESYNC, Inbox, hub

WAIT = re.compile(r"(?:^|[,;\s])wait(?:\s*=\s*(\d{1,4}))?(?=$|[,;\s])", re.IGNORECASE)
MAX_WAIT_S = 30
DEFAULT_WAIT_S = 10
LOOK_AGAIN_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Waitable:
    """What a 202 answer waits for.

    Attributes
    ----------
    user_id : UUID
        Whose frames tell about it.
    topic : str
        The frames' topic, such as ``"backtest:<id>"``.
    look : callable
        Returns the final body once the work is done, else None. Runs in a thread; may query.
    default_wait_s : int
        How long to wait where the caller states no preference.
    show : callable, optional
        Returns the body as the work stands, for whose time is over before it is done; the answer
        that was made before the wait tells of what may have moved on. None where it is gone.
    """

    user_id: UUID
    topic: str
    look: Callable[[], Any | None]
    default_wait_s: int = 0
    show: Callable[[], Any | None] | None = None


Response = TypeVar("Response", bound=HttpResponseBase)


def waitable(
    response: Response,
    *,
    user_id: UUID,
    topic: str,
    look: Callable[[], Any | None],
    default_wait_s: int = 0,
    show: Callable[[], Any | None] | None = None,
) -> Response:
    """Mark a 202 answer as one that the caller may wait for; see `Waitable`."""
    mark = Waitable(
        user_id=user_id, topic=topic, look=look, default_wait_s=default_wait_s, show=show
    )
    response.waitable = mark  # type: ignore[attr-defined]  # read by WaitMiddleware
    return response


def preferred_wait_s(request: HttpRequest, default: int) -> int:
    """Return how long the caller prefers to wait, in seconds, capped."""
    match = WAIT.search(request.headers.get("Prefer", ""))
    if match is None:
        return default
    return min(int(match[1]), MAX_WAIT_S) if match[1] else DEFAULT_WAIT_S


class WaitMiddleware(Wrapper):
    """Holds waitable answers back until the work is done or the time is over."""

    def __call__(self, request: HttpRequest) -> Any:
        """Answer; under WSGI there is no loop to wait on, so the 202 goes out."""
        if iscoroutinefunction(self):
            return self._answer(request, self.get_response(request))
        return self.get_response(request)

    async def _answer(
        self, request: HttpRequest, answer: Awaitable[HttpResponseBase]
    ) -> HttpResponseBase:
        response = await answer
        mark: Waitable | None = getattr(response, "waitable", None)
        if mark is None or response.status_code != 202:
            return response
        wait_s = preferred_wait_s(request, mark.default_wait_s)
        if wait_s <= 0:
            return response
        body, status = await _wait(mark, wait_s), 200
        if body is None and mark.show is not None:
            body = await sync_to_async(_looking_without_keeping_a_connection(mark.show))()
            status = 202
        if body is None:
            return response
        done = HttpResponse(
            await sync_to_async(FiniteJSONRenderer().render)(body),
            content_type="application/json",
            status=status,
        )
        done.headers["Preference-Applied"] = f"wait={wait_s}"
        if location := response.headers.get("Location"):
            done.headers["Location"] = location
        if hasattr(request, "idempotency_key"):
            await sync_to_async(answer_store)(request, done)
        return done


async def _wait(mark: Waitable, wait_s: int) -> Any | None:
    deadline = time.monotonic() + wait_s
    look = sync_to_async(_looking_without_keeping_a_connection(mark.look))
    async with hub().listen(mark.user_id) as inbox:
        while True:
            body = await look()
            if body is not None:
                return body
            if not await _topic_stirred(inbox, mark.topic, deadline):
                return None


async def _topic_stirred(inbox: Inbox, topic: str, deadline: float) -> bool:
    """Sleep until it is worth looking again; False once the deadline has passed."""
    look_again_at = min(deadline, time.monotonic() + LOOK_AGAIN_AFTER_S)
    while (left := look_again_at - time.monotonic()) > 0:
        try:
            frame = await asyncio.wait_for(inbox.get(), left)
        except TimeoutError:
            break
        if frame is OVERFLOW:
            # It stays so: without frames, look again when it is time to.
            await asyncio.sleep(look_again_at - time.monotonic())
        elif frame.get("topic") == topic or frame is RESYNC:
            return True
    return time.monotonic() < deadline


def _looking_without_keeping_a_connection(
    look: Callable[[], Any | None],
) -> Callable[[], Any | None]:
    """Return `look`, giving the thread's connection back to the pool after each call."""

    def looking() -> Any | None:
        try:
            return look()
        finally:
            for connection in connections.all(initialized_only=True):
                if not connection.in_atomic_block:
                    connection.close()

    return looking
