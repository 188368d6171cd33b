"""Too many wrong passwords: nobody may try this email from this address for a while.

django-axes counts by (email, address), known emails and unknown ones alike. It answers by its
middleware, whatever the view says; both answers are made here.
"""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from core.accounts.models.user import email_normal
from core.accounts.origin import client_address
from core.api.exceptions import error_body

MESSAGE = (
    "Too many wrong passwords for this email from your address: wait, or reset the password "
    "under /api/v1/auth/password-reset."
)


def attempted_email(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the email that is being tried: the API calls it `email`, the admin `username`."""
    tried = credentials or request.POST
    return email_normal(str(tried.get("email") or tried.get("username") or ""))[:254]


def is_locked_out(request: HttpRequest) -> bool:
    """Tell whether axes refused this request, or locked the door with it."""
    return bool(getattr(request, "axes_locked_out", False))


def locked_just_now(request: HttpRequest) -> bool:
    """Tell whether this very attempt was the one too many; those after it count for nothing."""
    return getattr(request, "axes_failures_since_start", None) is not None


def retry_after_s(*, request: HttpRequest, email: str) -> int:
    """Return the seconds until the door opens again."""
    attempts = AccessAttempt.objects.filter(username=email, ip_address=client_address(request))
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    left = last + settings.AXES_COOLOFF_TIME - timezone.now()
    return max(1, round(left.total_seconds()))


def lockout_response(
    request: HttpRequest,
    original_response: Any = None,  # noqa: ARG001 - axes' signature
    credentials: dict[str, Any] | None = None,
) -> HttpResponse:
    """Answer in place of the view, in the shape of every error; in plain words in the admin."""
    tried = credentials or getattr(request, "axes_credentials", None)
    wait = retry_after_s(request=request, email=attempted_email(request, tried))
    headers = {"Retry-After": str(wait)}
    if not request.path.startswith("/api/"):
        return HttpResponse(MESSAGE, status=429, headers=headers, content_type="text/plain")
    body = error_body(code="rate_limited", message=MESSAGE)
    return JsonResponse(body, status=429, headers=headers)
