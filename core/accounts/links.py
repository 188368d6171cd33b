"""Tokens that travel in mails, and the links around them.

No token is stored: each is computed from the user's row and the secret key, and checked against
the row as it is then.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core import signing

from core.accounts.models import User

EMAIL_TOKEN_LIFETIME: Final = timedelta(days=3)
EMAIL_SALT: Final = "core.accounts.email"


def reset_token(user: User) -> str:
    """Return a token to set a new password with, good once, for `PASSWORD_RESET_TIMEOUT` seconds.

    It ends with the next log-in or password, whichever comes first.
    """
    return f"{user.id.hex}.{default_token_generator.make_token(user)}"


def reset_token_user_id(token: str) -> UUID:
    """Return whose token this claims to be; nobody's id where it makes no sense."""
    try:
        return UUID(hex=token.partition(".")[0])
    except ValueError:
        return UUID(int=0)


def reset_token_valid(*, user: User, token: str) -> bool:
    """Tell whether the token is this user's, and still good."""
    return default_token_generator.check_token(user, token.partition(".")[2])


def email_token(user: User) -> str:
    """Return a token that proves that its bearer reads the mail of the user's address."""
    return _signer().sign_object(user.email)


def email_token_address(token: str) -> str | None:
    """Return the address a token proves; None where it proves nothing."""
    try:
        address: str = _signer().unsign_object(token, max_age=EMAIL_TOKEN_LIFETIME)
    except signing.BadSignature:
        return None
    return address


def reset_link(user: User) -> str:
    """Return the page where the user chooses a new password."""
    return _link(settings.PASSWORD_RESET_URL, reset_token(user))


def email_link(user: User) -> str:
    """Return the page where the user confirms the address."""
    return _link(settings.VERIFY_EMAIL_URL, email_token(user))


def _signer() -> signing.TimestampSigner:
    # With dots the token needs no escapes in a link.
    return signing.TimestampSigner(sep=".", salt=EMAIL_SALT)


def _link(page: str, token: str) -> str:
    return f"{page}{'&' if '?' in page else '?'}{urlencode({'token': token})}"
