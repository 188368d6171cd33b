"""Middleware of the whole site. All of it runs async, so that a waiting request holds no thread."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from core.api.exceptions import error_body
from core.api.request_id import request_id_begin
from core.api.wrapping import Wrapper

log = structlog.get_logger("request")

AsyncHandler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
CSP = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
)
# Swagger UI and Redoc start from an inline script; nothing else on the site has one.
CSP_DOCS = CSP.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'").replace(
    "img-src 'self' data:", "img-src 'self' data: blob:; worker-src 'self' blob:"
)
DOCS_PATHS = ("/api/v1/docs", "/api/v1/redoc")
QUIET_PATHS = ("/healthz", "/readyz", "/static/")


class _Middleware(Wrapper):
    """Looks at each request before it is handled, and at its answer."""

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._acall(request)
        started = time.perf_counter()
        refused = self.before(request)
        response = refused or self.get_response(request)
        return self.after(request, response, started)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        refused = self.before(request)
        response = refused or await self.get_response(request)
        return self.after(request, response, started)

    def before(self, request: HttpRequest) -> HttpResponseBase | None:  # noqa: ARG002 - a hook
        """Look at the request; an answer given here is the answer."""
        return None

    def after(
        self,
        request: HttpRequest,  # noqa: ARG002 - a hook
        response: HttpResponseBase,
        started: float,  # noqa: ARG002 - a hook
    ) -> HttpResponseBase:
        """Look at the answer, and return it."""
        return response


class RequestIdMiddleware(_Middleware):
    """Gives each request an id, logs it, and refuses URLs that no handler could store."""

    def before(self, request: HttpRequest) -> HttpResponseBase | None:
        """Begin the log context; refuse a NUL character, which PostgreSQL cannot hold."""
        identifier = request_id_begin(request.headers.get("X-Request-ID"))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=identifier)
        request.id = identifier  # type: ignore[attr-defined]  # read by `after`
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            body = error_body(code="malformed", message="The URL holds a NUL character: remove it.")
            return JsonResponse(body, status=400)
        return None

    def after(
        self, request: HttpRequest, response: HttpResponseBase, started: float
    ) -> HttpResponseBase:
        """Name the id in the answer and write one line."""
        response.headers["X-Request-ID"] = request.id  # type: ignore[attr-defined]  # set above
        for name, value in getattr(request, "rate_limit_headers", {}).items():
            response.headers[name] = value
        if not request.path.startswith(QUIET_PATHS):
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                duration_ms=round((time.perf_counter() - started) * 1e3, 1),
            )
        return response


class ContentSecurityPolicyMiddleware(_Middleware):
    """Tells browsers to run only our own scripts."""

    def after(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        started: float,  # noqa: ARG002 - a hook
    ) -> HttpResponseBase:
        """Add the policy where the view set none."""
        if not settings.DEBUG:
            policy = CSP_DOCS if request.path.startswith(DOCS_PATHS) else CSP
            response.headers.setdefault("Content-Security-Policy", policy)
        return response
