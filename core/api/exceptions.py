"""Every error answer has one shape.

`{"code", "message", "details": [{"path", "code", "message", "expected", "received"}],
"request_id"}`, whoever raised it: our own errors, DRF's, Django's, or the database's.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core.api.request_id import request_id
from core.errors import (
    ApplicationError,
    Conflict,
    Detail,
    InvalidInput,
    NotAllowed,
    NotFound,
    Permanent,
    Transient,
)

STATUS_OF: tuple[tuple[type[ApplicationError], int], ...] = (
    (InvalidInput, 422),
    (NotAllowed, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Transient, 503),
    (Permanent, 422),
)
DATABASE_AWAY_RETRY_S = 2
RECEIVED_LENGTH = 50
# What is not said again, not even to whoever sent it: answers are logged by others.
SECRET = re.compile(r"passw|token|secret|refresh|access|code|key|credential|values", re.IGNORECASE)
PART = re.compile(r"[^.\[\]]+")


class BodyTooLarge(drf.APIException):
    """More bytes than the endpoint takes."""

    status_code = 413
    default_code = "too_large"
    default_detail = "The body has more bytes than this endpoint takes: send less at once."


def error_body(
    *, code: str, message: str, details: tuple[Detail, ...] | list[Detail] = ()
) -> dict[str, Any]:
    """Return the body of an error answer."""
    return {
        "code": code,
        "message": message,
        "details": [detail.as_dict() for detail in details],
        "request_id": request_id(),
    }


def exception_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an error into an answer; None lets it become a 500 and be logged as ours."""
    response = _response_of(error, context.get("request"))
    if response is not None:
        set_rollback()
    return response


def _response_of(error: Exception, request: Request | None) -> Response | None:
    if isinstance(error, ApplicationError):
        return _application_error(error)
    if isinstance(error, Http404):
        error = drf.NotFound()
    elif isinstance(error, PermissionDenied):
        error = drf.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()
    if isinstance(error, drf.ValidationError):
        details = [_with_received(detail, request) for detail in details_of(error.detail)]
        return Response(
            error_body(code="invalid", message=summary_of(details), details=details), status=422
        )
    if isinstance(error, drf.APIException):
        return _framework_error(error)
    if isinstance(error, OperationalError | InterfaceError):
        return Response(
            error_body(
                code="unavailable", message="The database does not answer: try again shortly."
            ),
            status=503,
            headers={"Retry-After": str(DATABASE_AWAY_RETRY_S)},
        )
    return None


def _application_error(error: ApplicationError) -> Response:
    status = next((number for kind, number in STATUS_OF if isinstance(error, kind)), 422)
    if error.code == "malformed":
        status = 400
    elif error.code == "rate_limited":
        status = 429
    headers = {}
    if isinstance(error, Transient):
        headers["Retry-After"] = str(max(1, round(error.retry_after_s or 1)))
    body = error_body(code=error.code, message=error.message, details=error.details)
    return Response(body, status=status, headers=headers)


def _framework_error(error: drf.APIException) -> Response:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    detail = error.detail
    # Some of simplejwt's errors carry a mapping; its "detail" is the sentence.
    if isinstance(detail, dict):
        sentence = str(detail.get("detail", error.default_detail))
        code = str(detail.get("code", error.default_code))
    else:
        sentence, code = str(detail), str(getattr(detail, "code", error.default_code))
    code = {"parse_error": "malformed", "throttled": "rate_limited"}.get(code, code)
    return Response(
        error_body(code=code, message=sentence), status=error.status_code, headers=headers
    )


def details_of(faults: Any, path: str = "") -> list[Detail]:
    """Flatten DRF's nested validation errors into details with dotted paths."""
    if isinstance(faults, dict):
        return [
            detail
            for key, inner in faults.items()
            for detail in details_of(inner, path if key == "non_field_errors" else _join(path, key))
        ]
    if isinstance(faults, list) and any(isinstance(inner, dict | list) for inner in faults):
        return [
            detail
            for index, inner in enumerate(faults)
            for detail in details_of(inner, f"{path}[{index}]")
        ]
    if isinstance(faults, list):
        return [detail for inner in faults for detail in details_of(inner, path)]
    return [Detail(path=path, code=getattr(faults, "code", "invalid"), message=str(faults))]


def _with_received(detail: Detail, request: Request | None) -> Detail:
    """Return a fault with what the caller sent at its place, where that is short and no secret."""
    if request is None or detail.received is not None or SECRET.search(detail.path):
        return detail
    sent: Any = request.query_params if request.method in ("GET", "HEAD") else request.data
    for part in PART.findall(detail.path):
        try:
            sent = sent[int(part) if isinstance(sent, list) else part]
        except (KeyError, IndexError, TypeError, ValueError):
            return detail
    if isinstance(sent, str):
        sent = sent[:RECEIVED_LENGTH]
    return replace(detail, received=sent) if isinstance(sent, str | int | float) else detail


def _join(path: str, key: Any) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)


def summary_of(details: list[Detail]) -> str:
    """Return one sentence for people out of several faults."""
    if not details:
        return "The request cannot be done as it stands."
    first = details[0]
    sentence = f"{first.path}: {first.message}" if first.path else first.message
    rest = len(details) - 1
    return sentence if not rest else f"{sentence} (and {rest} more, see details)"
