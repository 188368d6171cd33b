"""Plain views that are only for reading."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from core.api.exceptions import error_body

View = Callable[[HttpRequest], HttpResponseBase]
METHODS = ("GET", "HEAD", "OPTIONS")


def reading(view: View) -> View:
    """Answer any method that is not for reading with a 405 in the shape of every error.

    Exempt from the check against forged requests, whose answer is a page: nothing is changed here.
    """

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        if request.method in METHODS:
            return view(request)
        message = f"{request.method} is not possible here: use GET."
        body = error_body(code="method_not_allowed", message=message)
        return JsonResponse(body, status=405, headers={"Allow": ", ".join(METHODS)})

    return csrf_exempt(guarded)
