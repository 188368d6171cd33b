"""What OPTIONS answers: the methods; everything else is in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request


class AllowedMethods(BaseMetadata):
    """Names the methods of an endpoint, and where it is described."""

    def determine_metadata(self, request: Request, view: Any) -> dict[str, Any]:  # noqa: ARG002 - DRF's signature
        """Return the body of the answer."""
        return {"methods": view.allowed_methods, "schema": "/api/v1/schema/"}
