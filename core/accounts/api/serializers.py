from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from core.accounts.api.fields import (
    CurrencyField,
    EmailAddressField,
    PasswordField,
    TimeZoneField,
    TokenField,
)
from core.accounts.choices import Scope
from core.accounts.models import ApiToken, User
from core.api.forms import KnownFields


class RegisterInput(KnownFields):
    """Who wants an account."""

    email = EmailAddressField()
    password = PasswordField()
    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    time_zone = TimeZoneField(required=False)
    base_currency = CurrencyField(required=False)


class LoginInput(serializers.Serializer[Any]):
    """Email and password."""

    # Not checked further: an odd address is an unknown one.
    email = serializers.CharField(max_length=254)
    password = PasswordField()


class RefreshInput(serializers.Serializer[Any]):
    """The refresh token of the last pair."""

    refresh = TokenField()


class LogoutInput(serializers.Serializer[Any]):
    """The session to end, where it is not that of the access token."""

    refresh = TokenField(required=False)


class EmailInput(serializers.Serializer[Any]):
    """Whom to write to."""

    email = EmailAddressField()


class ResetInput(serializers.Serializer[Any]):
    """A new password, and the proof from the mail."""

    token = TokenField()
    password = PasswordField()


class VerifyInput(serializers.Serializer[Any]):
    """The proof from the mail."""

    token = TokenField()


class PasswordInput(serializers.Serializer[Any]):
    """The password now, and from now on."""

    current_password = PasswordField()
    new_password = PasswordField()


class MeInput(serializers.Serializer[Any]):
    """What a user may change of the profile."""

    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    time_zone = TimeZoneField(required=False)
    base_currency = CurrencyField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what cannot be changed, instead of passing over it in silence."""
        if unknown := sorted(set(self.initial_data) - set(self.fields)):
            message = f"This cannot be changed here; {', '.join(self.fields)} can."
            raise serializers.ValidationError(
                {name: [serializers.ErrorDetail(message, "unknown")] for name in unknown}
            )
        return attrs


class UserOutput(serializers.ModelSerializer[User]):
    """A user, as only the user sees it."""

    email_verified = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = (
            "id",
            "email",
            "name",
            "time_zone",
            "base_currency",
            "email_verified",
            "created_at",
        )

    def get_email_verified(self, user: User) -> bool:
        """Tell whether the address was confirmed."""
        return user.email_verified_at is not None


class PairOutput(serializers.Serializer[Any]):
    """Send `access` as `Authorization: Bearer`; trade `refresh`, once, for the next pair."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class SessionOutput(PairOutput):
    """A new session and its user."""

    user = UserOutput()


class MessageOutput(serializers.Serializer[Any]):
    """What happens next."""

    message = serializers.CharField()


class RateOutput(serializers.Serializer[Any]):
    """So many requests in so many seconds."""

    limit = serializers.IntegerField()
    period_s = serializers.IntegerField()


class LimitsOutput(serializers.Serializer[Any]):
    """What an account may use."""

    rates = serializers.DictField(child=RateOutput(), help_text="By class of work.")


class ApiTokenInput(KnownFields):
    """A key for a program."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.MultipleChoiceField(choices=Scope.choices, allow_empty=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_scopes(self, value: set[str]) -> list[str]:
        """Return the scopes in a fixed order."""
        return [scope for scope in Scope.values if scope in value]

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        """Refuse a moment that has passed."""
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("This is in the past: choose a later time.")
        return value


class ApiTokenOutput(serializers.ModelSerializer[ApiToken]):
    """A key, as far as it is still known."""

    class Meta:
        model = ApiToken
        fields = ("id", "name", "prefix", "scopes", "expires_at", "last_used_at", "created_at")


class ApiTokenCreated(serializers.ModelSerializer[ApiToken]):
    """A new key, which is shown only now."""

    token = serializers.CharField()

    class Meta:
        model = ApiToken
        fields = (*ApiTokenOutput.Meta.fields, "token")
