"""Who is asking: the bearer of an access token, or of a personal API token."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from core.accounts.choices import Scope
from core.accounts.keys import KEY_PREFIX, key_hash
from core.accounts.models import ApiToken, User
from core.accounts.selectors import api_token_get, session_user_get
from core.accounts.tokens import GENERATION_CLAIM, SESSION_CLAIM, access_token_read

SCHEME = 'Bearer realm="api"'
# One write per token and minute is enough to see which ones are still in use.
USE_NOTED_EVERY = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    """Reads `Authorization: Bearer <access token>` or `Bearer abt_<personal API token>`."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken | ApiToken] | None:
        """Return the user and the token; None where there is no token at all."""
        text = bearer_of(request)
        if text is None:
            return None
        if text.startswith(KEY_PREFIX):
            token = _api_token(text)
            _scope_require(token, request)
            return token.owner, token
        return session_of(text)

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        """Return the scheme that a 401 names."""
        return SCHEME


def bearer_of(request: Request) -> str | None:
    """Return what stands behind `Bearer` in the request's header, if it does."""
    kind, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
    return text.strip() if kind.lower() == "bearer" and text.strip() else None


def session_of(text: str) -> tuple[User, AccessToken]:
    """Return the user of an access token, and the token.

    Raises
    ------
    AuthenticationFailed
        When the token is not ours, has expired, or its session has ended.
    """
    try:
        token = access_token_read(text)
    except TokenError as error:
        raise AuthenticationFailed(
            "The access token is not one of ours, or has expired: get a new one from "
            "/api/v1/auth/refresh, or log in.",
            code="token_not_valid",
        ) from error
    user = session_user_get(
        user_id=token["sub"],
        session_id=token.get(SESSION_CLAIM, ""),
        generation=token.get(GENERATION_CLAIM, 0),
    )
    if user is None:
        raise AuthenticationFailed(
            "The session of this token has ended: log in again.", code="session_ended"
        )
    return user, token


def _api_token(key: str) -> ApiToken:
    token = api_token_get(token_hash=key_hash(key))
    if token is None:
        raise AuthenticationFailed(
            "The API token is unknown, expired or revoked: make a new one under /api/v1/me/tokens.",
            code="token_not_valid",
        )
    now = timezone.now()
    ApiToken.objects.filter(
        Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY), id=token.id
    ).update(last_used_at=now)
    return token


def _scope_require(token: ApiToken, request: Request) -> None:
    needed = _scope_of(request)
    if needed not in token.scopes:
        raise PermissionDenied(
            f"This API token may {', '.join(token.scopes)}, and this request needs "
            f"{needed.value!r}: make a token with that scope under /api/v1/me/tokens.",
            code="scope_missing",
        )


def _scope_of(request: Request) -> Scope:
    """Return the scope a request needs: looking is `read`, anything that trades is `trade`."""
    if request.method in SAFE_METHODS:
        return Scope.READ
    work = getattr(request.parser_context["view"], "work", None)
    if isinstance(work, dict):
        work = work.get(request.method)
    return Scope.TRADE if work == "trade" else Scope.WRITE
