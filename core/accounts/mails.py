"""What the mails say.

They repeat nothing of whoever asked for them, who may be somebody else: not even the name.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from django.conf import settings
from django.core.mail import send_mail

from core.accounts.links import EMAIL_TOKEN_LIFETIME, email_link, reset_link
from core.accounts.models import User


class Mail(StrEnum):
    """The mails there are."""

    EMAIL_VERIFY = "email_verify"
    ALREADY_REGISTERED = "already_registered"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a word for the task
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word for the task


class Text(NamedTuple):
    """Subject and body."""

    subject: str
    body: str


def mail_deliver(*, mail: Mail, user: User) -> None:
    """Write a mail and hand it to the mail server.

    Raises
    ------
    OSError
        When the server is away or refuses it; smtplib's errors are OSErrors.
    """
    text = TEXTS[mail](user)
    send_mail(text.subject, text.body, None, [user.email])


def _email_verify(user: User) -> Text:
    return Text(
        "Confirm your email address",
        f"Welcome to algobacktester. Please confirm that this address is yours:\n\n"
        f"{email_link(user)}\n\n"
        f"The link is good for {EMAIL_TOKEN_LIFETIME.days} days. If you did not register, ignore "
        f"this mail: without your confirmation nobody can claim this address is theirs.\n",
    )


def _already_registered(user: User) -> Text:
    return Text(
        "You already have an account",
        f"Somebody, most likely you, tried to register this address ({user.email}) with "
        f"algobacktester, but it has an account already. Log in as usual, or choose a new "
        f"password:\n\n{reset_link(user)}\n\n"
        f"The link is good for {_reset_minutes()} minutes. If it was not you, nothing has "
        f"changed and you need not do anything.\n",
    )


def _password_reset(user: User) -> Text:
    return Text(
        "Choose a new password",
        f"Somebody, most likely you, asked to reset the password of {user.email}. Choose a new "
        f"one here:\n\n{reset_link(user)}\n\n"
        f"The link is good once, for {_reset_minutes()} minutes. If it was not you, ignore this "
        f"mail: the password stays as it is.\n",
    )


def _password_changed(user: User) -> Text:
    return Text(
        "Your password was changed",
        f"The password of {user.email} was just changed, and all sessions were ended. If it was "
        f"not you, choose a new password at once:\n\n{reset_link(user)}\n",
    )


def _reset_minutes() -> int:
    return int(settings.PASSWORD_RESET_TIMEOUT) // 60


TEXTS: dict[Mail, Callable[[User], Text]] = {
    Mail.EMAIL_VERIFY: _email_verify,
    Mail.ALREADY_REGISTERED: _already_registered,
    Mail.PASSWORD_RESET: _password_reset,
    Mail.PASSWORD_CHANGED: _password_changed,
}
