"""Choosing a password, changing it, and getting back in without it."""

from __future__ import annotations

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from core.accounts.choices import Action
from core.accounts.links import reset_token_user_id, reset_token_valid
from core.accounts.mails import Mail
from core.accounts.models import User
from core.accounts.origin import Origin
from core.accounts.services.audit import event_record
from core.accounts.services.mail import mail_request
from core.accounts.services.sessions import generation_advance
from core.accounts.tokens import SessionToken, TokenPair
from core.errors import Detail, InvalidInput


def password_check(*, password: str, user: User, path: str = "password") -> None:
    """Refuse a password that is easy to guess, with all reasons at once.

    Raises
    ------
    InvalidInput
        With one detail per reason.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        details = [
            Detail(path=path, code=fault.code or "weak", message=message)
            for fault in error.error_list
            for message in fault.messages
        ]
        raise InvalidInput(f"{path}: {details[0].message}", details=details) from error


def password_change(*, user: User, current: str, new: str, origin: Origin) -> TokenPair:
    """Replace the password, end all sessions, and open a new one for the caller.

    Raises
    ------
    InvalidInput
        When the current password is wrong or the new one too weak.
    """
    if not user.check_password(current):
        message = "This is not your current password."
        detail = Detail(path="current_password", code="wrong_password", message=message)
        raise InvalidInput(f"current_password: {message}", details=[detail])
    password_check(password=new, user=user, path="new_password")
    with transaction.atomic():
        _password_set(user=user, password=new)
        event_record(action=Action.PASSWORD_CHANGED, owner=user, origin=origin)
        mail_request(mail=Mail.PASSWORD_CHANGED, email=user.email)
        return SessionToken.issue(user).pair


def password_reset_request(*, email: str) -> None:
    """Send a link to choose a new password, if there is such a user; tell the caller nothing."""
    with transaction.atomic():
        mail_request(mail=Mail.PASSWORD_RESET, email=email)


def password_reset(*, token: str, password: str, origin: Origin) -> None:
    """Choose a new password with the token of a mail; end all sessions and any lockout.

    Whoever has the token reads the address's mail: that confirms the address, too.

    Raises
    ------
    InvalidInput
        When the token is not good any more, or the password too weak.
    """
    with transaction.atomic():
        # Locked, so that of two uses of one token the second sees the first one's password.
        user = (
            User.objects.select_for_update()
            .filter(id=reset_token_user_id(token), is_active=True)
            .first()
        )
        if user is None or not reset_token_valid(user=user, token=token):
            raise InvalidInput(
                "token: this link was used already or is too old: ask for a new mail under "
                "/api/v1/auth/password-reset.",
                code="token_not_valid",
            )
        password_check(password=password, user=user)
        user.email_verified_at = user.email_verified_at or timezone.now()
        _password_set(user=user, password=password)
        AxesProxyHandler.reset_attempts(username=user.email)
        event_record(action=Action.PASSWORD_RESET, owner=user, origin=origin)
        mail_request(mail=Mail.PASSWORD_CHANGED, email=user.email)


def _password_set(*, user: User, password: str) -> None:
    user.set_password(password)
    user.save(update_fields=["password", "email_verified_at", "updated_at"])
    generation_advance(user=user)
