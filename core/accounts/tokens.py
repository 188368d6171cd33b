"""Session tokens: a short access token, and a refresh token that is good for one use.

A *session* begins with a log-in and lives on through rotations; its id, `sid`, is in each of its
tokens. It ends when its id is put on the blacklist (log-out), or when the user's generation moves
on (logout-all, a new password), which ends all of them at once: tokens carry the generation of the
moment they were issued, so that no two clocks have to be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from core.accounts.models import User

SESSION_CLAIM = "sid"
GENERATION_CLAIM = "gen"


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client needs to go on: `access` for requests, `refresh` for the next pair."""

    access: str
    refresh: str


class AlreadyUsed(TokenError):
    """The refresh token was good, but somebody has used it."""


class SessionToken(RefreshToken):
    """A refresh token of one session, to be used once."""

    @classmethod
    def issue(cls, user: User, *, session_id: str | None = None) -> SessionToken:
        """Return a new token of a new session, or of one that goes on.

        Its row is written without the token itself: whoever reads the database cannot use it.
        """
        token = cls()
        token["sub"] = str(user.id)
        token[SESSION_CLAIM] = session_id or uuid4().hex
        token[GENERATION_CLAIM] = user.session_generation
        OutstandingToken.objects.create(
            user=user,
            jti=token["jti"],
            token="",
            created_at=token.current_time,
            expires_at=token.current_time + cls.lifetime,
        )
        return token

    @classmethod
    def read(cls, text: str, *, verify: bool = True) -> SessionToken:
        """Return the token of a text; `verify` also asks whether it was used."""
        return cls(cast("Any", text), verify=verify)  # simplejwt takes texts, and declares tokens

    def verify(self) -> None:
        """Refuse a refresh token that belongs to no session, whoever made it."""
        if SESSION_CLAIM not in self:
            raise TokenError("This refresh token has no session.")
        super().verify()

    def check_blacklist(self) -> None:
        """Tell a used token from one that never was good."""
        if BlacklistedToken.objects.filter(token__jti=self["jti"]).exists():
            raise AlreadyUsed("This refresh token has been used.")

    def blacklist(self) -> BlacklistedToken:
        """Use the token up; of several at once exactly one succeeds.

        simplejwt's own succeeds for each of them. Here the unique row decides: call it in the
        transaction that issues the next token, so that a failure there gives the token back.
        """
        row, first = cast("tuple[BlacklistedToken, bool]", super().blacklist())
        if not first:
            raise AlreadyUsed("This refresh token has been used.")
        return row

    @property
    def pair(self) -> TokenPair:
        """The token with an access token beside it."""
        return TokenPair(access=str(self.access_token), refresh=str(self))


def access_token_read(text: str) -> AccessToken:
    """Return the access token of a text, checked but for its session."""
    return AccessToken(cast("Any", text))  # simplejwt takes texts, and declares tokens


def session_blacklist(*, session_id: str, user: User, lifetime: timedelta) -> None:
    """End one session: none of its tokens is good any more.

    The row lives as long as the longest-lived token of the session could.
    """
    now = timezone.now()
    row, _ = OutstandingToken.objects.get_or_create(
        jti=session_id,
        defaults={"user": user, "token": "", "created_at": now, "expires_at": now + lifetime},
    )
    BlacklistedToken.objects.get_or_create(token=row)


def tokens_prune() -> int:
    """Delete what is known of tokens that have expired; return how many rows."""
    deleted, _ = OutstandingToken.objects.filter(expires_at__lte=timezone.now()).delete()
    return deleted
