"""Fields that several bodies share; their messages say how to fix what is wrong."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from rest_framework import serializers

from core.accounts.currencies import CURRENCIES
from core.accounts.models.user import email_normal

MAX_PASSWORD = 1000
TIME_ZONES = frozenset(available_timezones())


class EmailAddressField(serializers.EmailField):
    """An email address, in lower case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the address as it is stored."""
        address = email_normal(super().to_internal_value(data))
        if not address.isascii():
            raise serializers.ValidationError(
                "Write the domain of an international address in its ASCII form (xn--…).",
                code="invalid",
            )
        return address


class PasswordField(serializers.CharField):
    """A password exactly as it was typed, spaces included."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            trim_whitespace=False,
            write_only=True,
            max_length=MAX_PASSWORD,
            style={"input_type": "password"},
            **kwargs,
        )


class TokenField(serializers.CharField):
    """A token from an earlier answer or a mail."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=4096, write_only=True, **kwargs)


class TimeZoneField(serializers.CharField):
    """The IANA name of a time zone."""

    def to_internal_value(self, data: Any) -> str:
        """Return the name, if there is such a time zone."""
        name: str = super().to_internal_value(data)
        if name not in TIME_ZONES:
            raise serializers.ValidationError(
                f"{name[:64]!r} is not a time zone: use an IANA name such as 'Europe/Berlin', "
                "'America/New_York' or 'UTC'.",
                code="invalid_choice",
            )
        return name


class CurrencyField(serializers.CharField):
    """An ISO 4217 code."""

    def to_internal_value(self, data: Any) -> str:
        """Return the code in upper case, if there is such a currency."""
        code: str = super().to_internal_value(data).upper()
        if code not in CURRENCIES:
            raise serializers.ValidationError(
                f"{code[:16]!r} is not a currency: use a code of ISO 4217 with three letters, "
                "such as 'USD', 'EUR' or 'INR'.",
                code="invalid_choice",
            )
        return code
