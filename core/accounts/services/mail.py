"""Asking for a mail. A worker writes and sends it, so that no answer waits for a mail server."""

from __future__ import annotations

import hashlib

from django.core.cache import cache

from core.accounts.mails import Mail
from core.accounts.models.user import email_normal
from core.accounts.selectors import user_id_get
from core.db import uuid7
from core.outbox.services import task_enqueue

MAIL_TASK = "core.accounts.mail_send"
# Asking again and again does not fill anybody's mailbox.
QUIET_S = 30


def mail_request(*, mail: Mail, email: str) -> None:
    """Queue a mail to the user of an email, within the open transaction.

    For an email nobody has, the same is done with an id nobody has: neither the answer nor the
    time it takes tells one from the other.
    """
    user_id = user_id_get(email=email) or uuid7()
    address = hashlib.sha256(email_normal(email).encode()).hexdigest()
    if cache.add(f"mail:{mail}:{address}", 1, timeout=QUIET_S):
        task_enqueue(task=MAIL_TASK, args=[mail.value, str(user_id)], queue="alerts")
