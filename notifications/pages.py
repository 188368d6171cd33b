"""What messages link to: a page for people, and what mail programs and services post to."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from core.errors import NotFound
from notifications.channels.base import TellsLater
from notifications.channels.kinds import CHANNELS
from notifications.links import NOT_OURS, unsubscribe_channel
from notifications.services import channel_unsubscribe, receipts_take

TITLE = "Unsubscribe"
ASK = "Stop sending alerts to {}"
DONE = "No more alerts are sent to {}."


# A mail program (RFC 8058) has no cookie and no form of ours: the signed token is what lets it.
@method_decorator([csrf_exempt, never_cache], name="dispatch")
class UnsubscribePage(View):
    """Ends the mails of a channel. Opening it changes nothing, for scanners open links too."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the button, and whose mails it ends."""
        token = request.GET.get("token", "")[:200]
        channel = unsubscribe_channel(token)
        if channel is None:
            return self._page(request, status=404, done=NOT_OURS)
        return self._page(request, token=token, button=ASK.format(channel.address))

    def post(self, request: HttpRequest) -> HttpResponse:
        """End the mails."""
        try:
            channel = channel_unsubscribe(token=request.GET.get("token", "")[:200])
        except NotFound as error:
            return self._page(request, status=404, done=error.message)
        return self._page(request, done=DONE.format(channel.address))

    def _page(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        page = "notifications/unsubscribe.html"
        return render(request, page, {"title": TITLE, **context}, status=status)


# A service has no cookie and no account here: its signature is what lets it.
@method_decorator([csrf_exempt, never_cache], name="dispatch")
class Receipts(View):
    """Takes what services tell of messages that they took."""

    def post(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Write down what became of a message."""
        channel = CHANNELS.get(kind) if kind in CHANNELS else None
        if not isinstance(channel, TellsLater):
            return HttpResponse(status=404)
        receipts = channel.receipts_of(
            url=f"{settings.PUBLIC_URL}{request.get_full_path()}",
            body=request.body,
            fields=request.POST.dict(),
            headers=request.headers,
        )
        if receipts is None:
            return HttpResponse(status=403)
        receipts_take(kind=kind, token=request.GET.get("delivery", "")[:200], receipts=receipts)
        return HttpResponse(status=204)
