from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from core.accounts.authentication import SCHEME
from core.accounts.models import User
from core.accounts.origin import Origin, origin_of


class PublicView(APIView):
    """A view for callers who are not, or no longer, logged in.

    It looks at no token: a client that still sends an expired one can log in all the same. It is
    no `ApiView`: an answer that holds tokens must not be kept for an `Idempotency-Key`.
    """

    authentication_classes: Any = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        """Make a refused log-in a 401, which DRF does only where there is a scheme to name."""
        return SCHEME


def plain(request: Request) -> HttpRequest:
    """Return Django's request, which Django and axes work with."""
    return request._request  # noqa: SLF001 - DRF offers no other way to it


def origin(request: Request) -> Origin:
    """Return where the request comes from."""
    return origin_of(plain(request))


def user_of(request: Request) -> User:
    """Return the user of a view that lets only known users in."""
    if not isinstance(request.user, User):
        raise TypeError("This view must not be reached without a user.")
    return request.user
