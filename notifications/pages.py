"""The page that mails link to, and what mail programs post to (RFC 8058)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from core.errors import NotFound
from notifications.services import channel_unsubscribe

TITLE = "Unsubscribe"
ASK = "Stop sending alerts to this address"
DONE = "No more alerts are sent to this address."


# A mail program has no cookie and no form of ours: the signed token is what lets it.
@method_decorator([csrf_exempt, never_cache], name="dispatch")
class UnsubscribePage(View):
    """Ends the mails of a channel. Opening it changes nothing, for scanners open links too."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the button."""
        return self._page(request, token=request.GET.get("token", ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        """End the mails."""
        try:
            channel_unsubscribe(token=request.GET.get("token", "")[:200])
        except NotFound as error:
            return self._page(request, status=404, done=error.message)
        return self._page(request, done=DONE)

    def _page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        page = "notifications/unsubscribe.html"
        return render(request, page, {"title": TITLE, "button": ASK, **context}, status=status)
