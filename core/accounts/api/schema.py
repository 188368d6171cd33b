"""How the OpenAPI document describes who may call."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped upstream
    """A token in the header."""

    target_class = "core.accounts.authentication.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002 - their signature
        """Return the scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": (
                "The `access` token of `auth/login`, or a personal API token (`abt_…`) of "
                "`me/tokens` with the scope the request needs."
            ),
        }
