"""Static files (the admin's, the API docs') served beside the application, outside its middleware.

In production WhiteNoise serves what `collectstatic` gathered; in development Django finds the
files where they lie. WhiteNoise's own middleware is not used: it is synchronous, and one
synchronous middleware would make every waiting request hold a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.exceptions import SuspiciousFileOperation
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotFound
from whitenoise import WhiteNoise

Application = Callable[[Any, Any, Any], Awaitable[None]]


class StaticFiles(ASGIStaticFilesHandler):
    """Django's, to which a path that leads out of the folders is just no file."""

    def serve(self, request: HttpRequest) -> HttpResponse | FileResponse:
        """Return the file, or a 404."""
        try:
            return super().serve(request)
        except SuspiciousFileOperation:
            return HttpResponseNotFound("No such file.", content_type="text/plain")


def with_static_files(application: Any) -> Application:
    """Return the application with everything below `STATIC_URL` answered from files."""
    if not settings.PRODUCTION:
        handler: Application = StaticFiles(application)
        return handler
    files = WhiteNoise(_missing, root=settings.STATIC_ROOT, prefix=settings.STATIC_URL)
    static = WsgiToAsgi(files)  # type: ignore[no-untyped-call]  # asgiref leaves it untyped

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:
        below = scope["path"].startswith(settings.STATIC_URL)
        await (static if below else application)(scope, receive, send)

    return dispatch


def _missing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:  # noqa: ARG001 - WSGI's signature
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"No such file."]
