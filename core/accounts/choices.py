"""The words that accounts write into rows."""

from __future__ import annotations

from django.db import models


class Action(models.TextChoices):
    """What an audit event tells."""

    REGISTERED = "registered"
    REGISTRATION_REFUSED = "registration_refused"
    EMAIL_VERIFIED = "email_verified"
    LOGGED_IN = "logged_in"
    LOCKED_OUT = "locked_out"
    LOGGED_OUT = "logged_out"
    SESSIONS_ENDED = "sessions_ended"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word for the log
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a word for the log
    TOKEN_CREATED = "token_created"  # noqa: S105 - a word for the log
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a word for the log


class Scope(models.TextChoices):
    """What a personal API token may do."""

    READ = "read"
    WRITE = "write"
    TRADE = "trade"


def action_choices() -> list[tuple[str, str]]:
    """Return the actions; as a function, so that a new one needs no migration."""
    return Action.choices


def scope_choices() -> list[tuple[str, str]]:
    """Return the scopes; as a function, so that a new one needs no migration."""
    return Scope.choices
