"""`If-Match`: change a strategy only if it is still what the client has seen."""

from __future__ import annotations

import re

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from core.errors import InvalidInput

ENTITY_TAG = re.compile(r'^(?:W/)?"?([0-9]{1,9})"?$')

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `revision` (or `ETag`) you have seen: 409 `stale_revision` if the strategy "
    "was changed since. Without it the change is made in any case.",
)


def revision_expected(request: Request) -> int | None:
    """Return the revision that the client has seen, or None if any will do."""
    given = request.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    found = ENTITY_TAG.match(given)
    if found is None:
        raise InvalidInput(
            f'If-Match must be the revision of the strategy, such as "3", not {given[:50]!r}.',
            code="malformed",
        )
    return int(found[1])


def entity_tag(revision: int) -> dict[str, str]:
    """Return the header that names a revision."""
    return {"ETag": f'"{revision}"'}
