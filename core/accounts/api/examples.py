"""Examples for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

USER: dict[str, Any] = {
    "id": "01981f4e-6a43-7c1f-9d0e-2f6f8f0c2a11",
    "email": "ada@example.com",
    "name": "Ada",
    "time_zone": "Europe/London",
    "base_currency": "GBP",
    "email_verified": False,
    "created_at": "2026-01-05T09:30:00Z",
}
PAIR: dict[str, Any] = {"access": "eyJhbGciOiJIUzI1NiIs…", "refresh": "eyJhbGciOiJIUzI1NiIs…"}
API_TOKEN: dict[str, Any] = {
    "id": "01981f4e-9d02-7b31-8a55-0c1d7d6e4f21",
    "name": "laptop notebook",
    "prefix": "abt_Zk3vQx",
    "scopes": ["read", "write"],
    "expires_at": None,
    "last_used_at": None,
    "created_at": "2026-01-05T09:30:00Z",
}
PASSWORD = "correct horse battery"  # noqa: S105 - an example
MAIL_TOKEN = "01981f4e6a437c1f9d0e2f6f8f0c2a11.d4xk2f-6c1…"  # noqa: S105 - an example


def asked(value: Any) -> OpenApiExample:
    """Return an example of a request."""
    return OpenApiExample("Request", value=value, request_only=True)


def answered(value: Any, *, status: int = 200) -> OpenApiExample:
    """Return an example of an answer."""
    return OpenApiExample(
        f"Answer {status}", value=value, response_only=True, status_codes=[str(status)]
    )
