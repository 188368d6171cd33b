from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core import mail

from core.accounts.models import User
from core.accounts.tasks import mail_send
from core.outbox.models import OutboxMessage
from tests.accounts.people import PASSWORD, Session, client_new, email_new, log_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.mail import EmailMessage
    from rest_framework.test import APIClient


@pytest.fixture
def client() -> APIClient:
    return client_new()


@pytest.fixture
def email() -> str:
    return email_new()


@pytest.fixture
def user(email: str, db: None) -> User:
    return User.objects.create_user(email, PASSWORD, name="Ada")


@pytest.fixture
def login(user: User) -> Callable[[], Session]:
    """Log in over HTTP, each time as from another device."""

    def logged_in() -> Session:
        answer = log_in(user.email).json()
        return Session(client_new(), answer["access"], answer["refresh"])

    return logged_in


@pytest.fixture
def session(login: Callable[[], Session]) -> Session:
    return login()


@pytest.fixture
def mails(db: None) -> Callable[[], list[EmailMessage]]:
    """Do what a worker does with the mails that are queued, and return what was sent."""

    def deliver() -> list[EmailMessage]:
        mail.outbox.clear()
        for message in OutboxMessage.objects.filter(task=mail_send.name).order_by("created_at"):
            mail_send(*message.args)
            message.delete()
        return list(mail.outbox)

    return deliver
