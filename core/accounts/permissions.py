"""What a personal API token may not do, whatever its scopes."""

from __future__ import annotations

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from core.accounts.models import ApiToken


class InSession(BasePermission):
    """Lets in who has logged in: an API token may not manage the account it belongs to."""

    message = "This needs a session: log in, and use the access token instead of an API token."
    code = "session_required"

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - DRF's signature
        """Refuse API tokens."""
        return not isinstance(request.auth, ApiToken)


class InSessionToChange(InSession):
    """Lets API tokens look, and only sessions change."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuse API tokens that want to change something."""
        return request.method in SAFE_METHODS or super().has_permission(request, view)
