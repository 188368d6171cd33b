"""Settings that would quietly make log-in unsafe stop the start instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error

BLACKLIST_APP = "rest_framework_simplejwt.token_blacklist"
MIN_KEY_BYTES = 32


def tokens_check(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001 - Django's signature
    """Check what the promises about session tokens rest on."""
    jwt = settings.SIMPLE_JWT
    faults: list[CheckMessage] = []
    if not apps.is_installed(BLACKLIST_APP):
        faults.append(
            Error(
                "The blacklist of refresh tokens is not installed: log-out would end nothing, and "
                "a refresh token could be used again and again.",
                hint=f"Add {BLACKLIST_APP!r} to INSTALLED_APPS and run manage.py migrate.",
                id="accounts.E001",
            )
        )
    if not (jwt.get("ROTATE_REFRESH_TOKENS") and jwt.get("BLACKLIST_AFTER_ROTATION")):
        faults.append(
            Error(
                "Refresh tokens are not rotated: a stolen one would be good for its whole life.",
                hint="Set ROTATE_REFRESH_TOKENS and BLACKLIST_AFTER_ROTATION in SIMPLE_JWT.",
                id="accounts.E002",
            )
        )
    if len(str(jwt.get("SIGNING_KEY", "")).encode()) < MIN_KEY_BYTES:
        faults.append(
            Error(
                f"The key that signs tokens is shorter than {MIN_KEY_BYTES} bytes: it could be "
                "guessed.",
                hint="Set JWT_SIGNING_KEY to a longer secret, such as the output of "
                "`python -c 'import secrets; print(secrets.token_urlsafe(64))'`.",
                id="accounts.E003",
            )
        )
    if not (jwt.get("ISSUER") and jwt.get("AUDIENCE")):
        faults.append(
            Error(
                "Tokens name no issuer or no audience: those of another service with the same key "
                "would be accepted.",
                hint="Set ISSUER and AUDIENCE in SIMPLE_JWT.",
                id="accounts.E004",
            )
        )
    return faults
