"""Logging in, going on, and logging out."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken

from core.accounts.choices import Action
from core.accounts.lockout import MESSAGE, is_locked_out, locked_just_now, retry_after_s
from core.accounts.models import User
from core.accounts.models.user import email_normal
from core.accounts.origin import Origin, origin_of
from core.accounts.selectors import session_user_get
from core.accounts.services.audit import event_record
from core.accounts.tokens import (
    GENERATION_CLAIM,
    SESSION_CLAIM,
    AlreadyUsed,
    SessionToken,
    TokenPair,
    session_blacklist,
)
from core.errors import Transient
from core.realtime.services import sessions_close

# Two windows of one browser may refresh at the same moment. Whoever uses a token again after that
# has copied it, or the first user had: the session ends for both.
REUSE_FORGIVEN = timedelta(seconds=30)


def session_open(*, request: HttpRequest, email: str, password: str) -> tuple[User, TokenPair]:
    """Log in by email and password.

    A wrong password, an unknown email and an inactive user get the same answer, after the same
    work: one password is hashed in each case.

    Raises
    ------
    AuthenticationFailed
        When email and password do not fit.
    Transient
        With code `rate_limited`, while there were too many wrong ones.
    """
    email = email_normal(email)
    user = authenticate(request=request, email=email, password=password)
    if not isinstance(user, User):
        raise _refusal(request=request, email=email)
    origin = origin_of(request)
    with transaction.atomic():
        # Django's own signal: it notes the time of the log-in, and axes forgets the failures.
        user_logged_in.send(sender=User, request=request, user=user)
        event_record(action=Action.LOGGED_IN, owner=user, origin=origin)
        return user, SessionToken.issue(user).pair


def _refusal(*, request: HttpRequest, email: str) -> Exception:
    if not is_locked_out(request):
        return AuthenticationFailed(
            "Email and password do not fit: check both, or reset the password under "
            "/api/v1/auth/password-reset.",
            code="login_refused",
        )
    if locked_just_now(request):
        owner = User.objects.filter(email=email).first()
        origin = origin_of(request)
        event_record(action=Action.LOCKED_OUT, owner=owner, origin=origin, email=email)
    wait = retry_after_s(request=request, email=email)
    return Transient(MESSAGE, code="rate_limited", retry_after_s=wait)


def session_refresh(*, refresh: str, origin: Origin) -> TokenPair:
    """Use a refresh token up and return the next pair of the session.

    Raises
    ------
    AuthenticationFailed
        When the token is not good any more, was used before, or its session has ended.
    """
    try:
        with transaction.atomic():
            token = SessionToken.read(refresh)
            user = _user_of(token)
            token.blacklist()
            return SessionToken.issue(user, session_id=token[SESSION_CLAIM]).pair
    except AlreadyUsed as error:
        _reuse_handle(refresh=refresh, origin=origin)
        raise _not_valid() from error
    except TokenError as error:
        raise _not_valid() from error


def _user_of(token: SessionToken) -> User:
    user = session_user_get(
        user_id=token["sub"],
        session_id=token.get(SESSION_CLAIM, ""),
        generation=token.get(GENERATION_CLAIM, 0),
    )
    if user is None:
        raise TokenError("The session has ended.")
    return user


def _reuse_handle(*, refresh: str, origin: Origin) -> None:
    """End the session of a refresh token that comes back long after it was used."""
    token = SessionToken.read(refresh, verify=False)
    used = BlacklistedToken.objects.filter(
        token__jti=token["jti"], blacklisted_at__lt=timezone.now() - REUSE_FORGIVEN
    )
    owner = User.objects.filter(id=token["sub"]).first()
    if owner is None or not used.exists():
        return
    with transaction.atomic():
        _session_end(session_id=token[SESSION_CLAIM], owner=owner)
        event_record(action=Action.REFRESH_REUSED, owner=owner, origin=origin)


def session_close(*, refresh: str, origin: Origin) -> None:
    """Log out with a refresh token; to do it again changes nothing.

    Raises
    ------
    AuthenticationFailed
        When it is not one of our refresh tokens, or has expired.
    """
    try:
        token = SessionToken.read(refresh)
    except AlreadyUsed:
        # Signed by us: its session may go on with a later token.
        token = SessionToken.read(refresh, verify=False)
    except TokenError as error:
        raise _not_valid() from error
    owner = User.objects.filter(id=token["sub"]).first()
    if owner is not None:
        session_end(session_id=token[SESSION_CLAIM], owner=owner, origin=origin)


def session_end(*, session_id: str, owner: User, origin: Origin) -> None:
    """Log out of one session; the sockets close, and those of other sessions come back."""
    with transaction.atomic():
        _session_end(session_id=session_id, owner=owner)
        event_record(action=Action.LOGGED_OUT, owner=owner, origin=origin)


def _session_end(*, session_id: str, owner: User) -> None:
    lifetime: timedelta = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    session_blacklist(session_id=session_id, user=owner, lifetime=lifetime)
    sessions_close(user_id=owner.id)


def sessions_end_all(*, owner: User, origin: Origin) -> None:
    """Log out everywhere."""
    with transaction.atomic():
        generation_advance(user=owner)
        event_record(action=Action.SESSIONS_ENDED, owner=owner, origin=origin)


def generation_advance(*, user: User) -> None:
    """Make every token issued so far worthless, and close the sockets."""
    user.sessions_valid_from = timezone.now()
    user.save(update_fields=["sessions_valid_from", "updated_at"])
    sessions_close(user_id=user.id)


def _not_valid() -> AuthenticationFailed:
    return AuthenticationFailed(
        "The refresh token is not valid any more, was used before, or its session has ended: "
        "log in again.",
        code="token_not_valid",
    )
