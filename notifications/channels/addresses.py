"""What a well-formed address looks like, and how its owner gets rid of us."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from notifications.channels.base import Message

E164 = re.compile(r"\+[1-9]\d{6,14}")


def email_fault(address: str) -> str | None:
    """Say what is wrong with an email address."""
    try:
        validate_email(address)
    except ValidationError:
        return f"{address!r} is not an email address"
    return None


def phone_fault(number: str) -> str | None:
    """Say what is wrong with a phone number."""
    if E164.fullmatch(number):
        return None
    return f"{number!r} is not a phone number in international form, such as +14155550100"


def unsubscribe_headers(message: Message) -> dict[str, str]:
    """Return what lets a mail program offer one click to end these mails (RFC 8058)."""
    if not message.unsubscribe_url:
        return {}
    return {
        "List-Unsubscribe": f"<{message.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
