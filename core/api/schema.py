"""What the OpenAPI document says of every operation, so that no view has to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["code", "message", "details", "request_id"],
    "properties": {
        "code": {"type": "string", "description": "A stable word for programs."},
        "message": {
            "type": "string",
            "description": "What was wrong, what was found, how to fix it.",
        },
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "code", "message", "expected", "received"],
                "properties": {
                    "path": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "node_id": {"type": "string"},
                    "expected": {},
                    "received": {},
                },
            },
        },
        "request_id": {"type": "string"},
    },
    "example": {
        "code": "invalid",
        "message": "interval: '7d' is not an interval: use one of 1m, 5m, 1h, 1d.",
        "details": [
            {
                "path": "interval",
                "code": "invalid_choice",
                "message": "'7d' is not an interval: use one of 1m, 5m, 1h, 1d.",
                "expected": ["1m", "5m", "1h", "1d"],
                "received": "7d",
            }
        ],
        "request_id": "01981f4e-6a43-7c1f-9d0e-2f6f8f0c2a11",
    },
}
ERROR_RESPONSES = {
    "4XX": "The request cannot be done as it stands; `code` and `details` say why.",
    "503": "Something is away for the moment; `Retry-After` says when to try again.",
}


# First word of a path -> the area it belongs to, in the order in which the document shows them.
AREAS = {
    "auth": "accounts",
    "me": "accounts",
    "indicators": "strategies",
    "nodes": "strategies",
    "templates": "strategies",
    "strategies": "strategies",
    "instruments": "market",
    "market": "market",
    "bars": "market",
    "fetches": "market",
    "imports": "market",
    "backtest": "backtests",
    "backtests": "backtests",
    "trades": "trading",
    "broker-accounts": "trading",
    "notifications": "alerts",
    "alert-rules": "alerts",
    "channels": "alerts",
    "ws-ticket": "realtime",
}


class OperationSchema(AutoSchema):
    """Groups operations by area, and takes what they do from their docstrings."""

    def get_tags(self) -> list[str]:
        """Return the area the operation belongs to."""
        word = self.path.removeprefix("/api/v1/").strip("/").split("/")[0]
        return [AREAS.get(word, word)]

    def get_summary(self) -> str | None:
        """Return the first line of the docstring of the method."""
        lines = (self.get_description() or "").strip().splitlines()
        return lines[0].rstrip(".") if lines else None


def areas_order(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Show the areas in the order in which a newcomer meets them."""
    result["tags"] = [{"name": area} for area in dict.fromkeys(AREAS.values())]
    return result


def error_responses_add(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Name the one error shape in every operation."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR_SCHEMA
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            for status, description in ERROR_RESPONSES.items():
                operation["responses"].setdefault(
                    status, {"description": description, "content": content}
                )
    return result
