from __future__ import annotations

from rest_framework.request import Request
from rest_framework.views import APIView

from core.api.throttling import ClassOfWorkThrottle
from notifications.channels.kinds import CHANNELS, kind_of


class Mails(APIView):
    """Counts what is sent to an address that somebody may not own, or that costs money."""

    work = "mail"


def mails_check(view: APIView, request: Request, *, kind: str) -> None:
    """Count a request that has a mail or an SMS sent, and refuse one too many (429).

    Those to a kind whose addresses need no proof are limited as any other request.
    """
    kind = kind_of(kind)
    if kind not in CHANNELS or not CHANNELS.get(kind).needs_code:
        return
    throttle = ClassOfWorkThrottle()
    if not throttle.allow_request(request, Mails()):
        view.throttled(request, throttle.wait() or 0.0)
