"""`Idempotency-Key`: the same POST sent twice is done once.

The key is claimed by inserting its row; whoever inserts it does the work, and the answer is stored
with the row and given again for a day. An answer of 5xx is forgotten, so that it may be tried
again.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import cast

from django.core.files.base import File
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request

from core.api.models import IdempotencyKey
from core.db import claim
from core.errors import Conflict, InvalidInput

RETENTION = timedelta(hours=24)
# A first request that is older than this and has no answer died with its process.
ABANDONED_AFTER = timedelta(minutes=2)
KEPT_HEADERS = ("Content-Type", "Location")


class Replay(Exception):
    """The stored answer of an earlier request."""

    def __init__(self, stored: IdempotencyKey) -> None:
        super().__init__(stored.key)
        self.stored = stored

    def response(self) -> HttpResponse:
        """Return the stored answer as it was."""
        response = HttpResponse(bytes(self.stored.body), status=self.stored.status_code)
        for name, value in self.stored.headers.items():
            response.headers[name] = value
        response.headers["Idempotency-Replayed"] = "true"
        return response


def key_claim(request: Request) -> IdempotencyKey | None:
    """Claim the request's key; None where it has none.

    Raises
    ------
    Replay
        When the key has an answer already.
    Conflict
        While the first request with this key is still running.
    InvalidInput
        When the key was used for another request.
    """
    key = request.headers.get("Idempotency-Key")
    if request.method != "POST" or not key or not request.user.is_authenticated:
        return None
    if len(key) > 200:
        raise InvalidInput("Idempotency-Key is longer than 200 characters.", code="malformed")
    path = request.get_full_path()[:500]
    request_hash = _request_hash(request, path)
    stored, created = IdempotencyKey.objects.get_or_create(
        owner=request.user, key=key, defaults={"path": path, "request_hash": request_hash}
    )
    if created:
        return stored
    if stored.request_hash != request_hash:
        raise InvalidInput(
            f"Idempotency-Key {key!r} was used for another request ({stored.path}): "
            "take a new key for a new request.",
            code="idempotency_key_reused",
        )
    if stored.status_code is not None:
        raise Replay(stored)
    abandoned = IdempotencyKey.objects.filter(
        id=stored.id, status_code=None, updated_at__lt=timezone.now() - ABANDONED_AFTER
    )
    if claim(abandoned, path=path):
        return stored
    raise Conflict(
        f"The first request with Idempotency-Key {key!r} is still running: wait for its answer.",
        code="idempotency_key_in_use",
    )


def _request_hash(request: Request, path: str) -> str:
    digest = hashlib.sha256(path.encode() + b"\0")
    http = request._request  # noqa: SLF001 - the body must be read before DRF parses it
    if (http.content_type or "").startswith("multipart/"):
        # A client that sends a form again draws another boundary: what is in it is compared.
        for name, values in sorted(cast("QueryDict", request.data).lists()):
            for value in values:
                digest.update(f"\0{name}\0".encode())
                digest.update(_file_hash(value) if isinstance(value, File) else value.encode())
    else:
        digest.update(http.body)
    return digest.hexdigest()


def _file_hash(file: File[bytes]) -> bytes:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.digest()


def answer_store(request: HttpRequest, response: HttpResponseBase) -> None:
    """Keep the answer of a request that claimed a key."""
    stored: IdempotencyKey | None = getattr(request, "idempotency_key", None)
    if stored is None or not isinstance(response, HttpResponse):
        return
    if response.status_code >= 500 or response.status_code == 429:
        key_release(request)
        return
    IdempotencyKey.objects.filter(id=stored.id).update(
        status_code=response.status_code,
        body=response.content,
        headers={name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
    )


def key_release(request: HttpRequest) -> None:
    """Forget the key of a request that has no answer to keep."""
    stored: IdempotencyKey | None = getattr(request, "idempotency_key", None)
    if stored is not None:
        stored.delete()


def keys_prune() -> int:
    """Delete keys past their retention; return how many."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - RETENTION).delete()
    return deleted
