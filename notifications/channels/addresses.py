"""What a well-formed address looks like."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

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
