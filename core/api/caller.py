"""Who asks, for views that let only known users in."""

from __future__ import annotations

from uuid import UUID

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request


def caller_id(request: Request) -> UUID:
    """Return the id of the user who makes the request."""
    identifier = request.user.pk
    if not isinstance(identifier, UUID):
        raise NotAuthenticated
    return identifier
