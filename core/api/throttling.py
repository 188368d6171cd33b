"""Rate limits by user (or address) and class of work, counted in fixed windows.

One counter per caller, class and window, counted up atomically: cheaper than a list of times, and
it lets twice the rate through at worst, across the border of two windows. While Redis is away
nothing is limited.
"""

from __future__ import annotations

import time
from typing import Any

from django.core.cache import cache
from django.views import View
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PERIOD_S = {"sec": 1, "min": 60, "hour": 3600, "day": 86_400}


class ClassOfWorkThrottle(BaseThrottle):
    """Limits by the view's `work` ("read", "write", "run", "trade", "login", ...)."""

    def __init__(self) -> None:
        self._wait: float | None = None

    def allow_request(self, request: Request, view: View) -> bool:
        """Count the request and tell whether it is within the limit."""
        work = work_of(request, view)
        limit, period = rate_of(work)
        now = time.time()
        window = int(now // period)
        caller = request.user.pk if request.user.is_authenticated else self.get_ident(request)
        key = f"rate:{work}:{caller}:{window}"
        used = 1 if cache.add(key, 1, timeout=period * 2) else cache.incr(key)
        self._wait = (window + 1) * period - now
        request._request.rate_limit_headers = {  # type: ignore[attr-defined]  # noqa: SLF001 - read by RequestIdMiddleware
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(0, limit - used)),
            "RateLimit-Reset": str(max(1, round(self._wait))),
        }
        return used <= limit

    def wait(self) -> float | None:
        """Return the seconds until the window ends."""
        return self._wait


def work_of(request: Request, view: View) -> str:
    """Return the class of work of a request: the view's own, or by its method."""
    named: Any = getattr(view, "work", None)
    if isinstance(named, dict):
        named = named.get(request.method)
    if named:
        return str(named)
    if not request.user.is_authenticated:
        return "anonymous"
    return "read" if request.method in SAFE_METHODS else "write"


def rate_of(work: str) -> tuple[int, int]:
    """Return how many requests in how many seconds."""
    count, _, period = str(api_settings.DEFAULT_THROTTLE_RATES[work]).partition("/")
    return int(count), PERIOD_S[period]
