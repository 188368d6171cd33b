"""Answers that are the same for everybody until the next release: rendered once a process."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request

from core.api.renderers import FiniteJSONRenderer

# A browser asks again after a while, and is told 304 until a release has changed the answer.
CACHE_CONTROL: Final = "private, max-age=300"

IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `ETag` you have: 304 without a body if it is still the newest.",
)
NOT_MODIFIED: Final = OpenApiResponse(description="You have the newest already.")


@dataclass(frozen=True, slots=True)
class Prerendered:
    """The bytes of an answer and the name of what they say."""

    content: bytes
    etag: str


def prerender(data: Any) -> Prerendered:
    """Return data as the bytes of an answer; keep them, for they are what is expensive."""
    content = FiniteJSONRenderer().render(data)
    return Prerendered(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def prerendered_answer(request: Request, answer: Prerendered) -> HttpResponseBase:
    """Return the answer, or 304 to who has it already."""
    headers = {"ETag": answer.etag, "Cache-Control": CACHE_CONTROL}
    response = HttpResponse(answer.content, content_type="application/json", headers=headers)
    # Where there is a response to give, there is always one to return; a 304 keeps these headers.
    django_request = request._request  # noqa: SLF001 - DRF has no other way to Django's request
    return get_conditional_response(django_request, answer.etag, response=response) or response
