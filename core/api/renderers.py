"""JSON out: fast for arrays, and never a NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.renderers import JSONRenderer

OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


class FiniteJSONRenderer(JSONRenderer):
    """Writes numpy arrays as they are; NaN and infinities become null, decimals strings."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,  # noqa: ARG002 - DRF's signature
        renderer_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - DRF's signature
    ) -> bytes:
        """Return the answer's bytes; nothing at all for no content."""
        if data is None:
            return b""
        try:
            return orjson.dumps(data, default=_plain, option=OPTIONS)
        except TypeError:
            # PostgreSQL gives the 1e300 of a JSON column back in digits, and Python reads an int.
            return orjson.dumps(_narrowed(data), default=_plain, option=OPTIONS)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal | Promise):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _narrowed(value: Any) -> Any:
    """Return the value with floats for the whole numbers that are too long for the writer."""
    if isinstance(value, Mapping):
        return {key: _narrowed(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_narrowed(inner) for inner in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return _float_of(value)
    return value


def _float_of(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
