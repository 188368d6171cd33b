"""Making an account, and confirming that its address is its owner's."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.accounts.choices import Action
from core.accounts.links import email_token_address
from core.accounts.mails import Mail
from core.accounts.models import User
from core.accounts.models.user import email_normal
from core.accounts.origin import Origin
from core.accounts.services.audit import event_record
from core.accounts.services.mail import mail_request
from core.accounts.services.passwords import password_check
from core.accounts.tokens import SessionToken, TokenPair
from core.errors import InvalidInput


def user_register(
    *, email: str, password: str, origin: Origin, **profile: Any
) -> tuple[User, TokenPair] | None:
    """Make an account and log in; None where the address must be confirmed before.

    An address that has an account already cannot be registered, and its owner is told by mail.
    What the caller is told is a trade-off, and a setting:

    - By default a new address gets its tokens at once, so that a client can go on. A taken one
      gets `registration_refused`, without a reason; whoever tries addresses one by one (20 an
      hour from one IP address) can still tell them apart by that.
    - With `REGISTRATION_CONFIRM` both get the same answer after the same work: a mail was sent.
      Nobody can log in before the address is confirmed, and nobody learns who has an account.

    Raises
    ------
    InvalidInput
        When the password is too weak, or the registration is refused.
    """
    email = email_normal(email)
    password_check(password=password, user=User(email=email, **profile))
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, **profile)
            event_record(action=Action.REGISTERED, owner=user, origin=origin)
            mail_request(mail=Mail.EMAIL_VERIFY, email=email)
            pair = None if settings.REGISTRATION_CONFIRM else SessionToken.issue(user).pair
    except IntegrityError:
        _taken(email=email, origin=origin)
        return None
    return None if pair is None else (user, pair)


def _taken(*, email: str, origin: Origin) -> None:
    """Tell the owner of the address, and the caller as little as the setting allows."""
    with transaction.atomic():
        owner = User.objects.get(email=email)
        event_record(action=Action.REGISTRATION_REFUSED, owner=owner, origin=origin)
        mail_request(mail=Mail.ALREADY_REGISTERED, email=email)
    if not settings.REGISTRATION_CONFIRM:
        raise InvalidInput(
            "This registration cannot be completed: we have sent a mail to the address that says "
            "how to go on.",
            code="registration_refused",
        )


def email_verify_request(*, email: str) -> None:
    """Send the confirmation mail again, if there is such a user; tell the caller nothing."""
    with transaction.atomic():
        mail_request(mail=Mail.EMAIL_VERIFY, email=email)


def email_verify(*, token: str, origin: Origin) -> None:
    """Note that the address is its owner's; to do it again changes nothing.

    Raises
    ------
    InvalidInput
        When the token is not good any more.
    """
    email = email_token_address(token)
    with transaction.atomic():
        user = User.objects.select_for_update().filter(email=email, is_active=True).first()
        if user is None:
            raise InvalidInput(
                "token: this link is not valid or too old: ask for a new mail under "
                "/api/v1/auth/verify-email/resend.",
                code="token_not_valid",
            )
        if user.email_verified_at is None:
            user.email_verified_at = timezone.now()
            user.save(update_fields=["email_verified_at", "updated_at"])
            event_record(action=Action.EMAIL_VERIFIED, owner=user, origin=origin)
