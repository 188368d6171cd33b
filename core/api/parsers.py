"""JSON in: strict, so that what is stored is what was sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from core.errors import Detail, InvalidInput

WRITER_DEPTH: Final = 254
MAX_DEPTH: Final = 200
# Beyond, a JSON column gives back other numbers than it was given: 1e300 comes as 301 digits.
LARGEST_NUMBER: Final = 2.0**63
# What such a number looks like; few bodies hold anything that does.
_LARGE: Final = re.compile(rb"\d{18}|\d[eE]\+?\d")


class StrictJSONParser(BaseParser):
    """Refuses NaN, infinities, broken UTF-8 and NUL characters (PostgreSQL cannot hold them)."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,  # noqa: ARG002 - DRF's signature
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - DRF's signature
    ) -> Any:
        """Return the body, which must be a JSON object or array."""
        # DRF reads past Django's own limit.
        most: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise RequestDataTooBig
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error}.") from error
        if not isinstance(value, dict | list):
            raise ParseError(f"The body must be a JSON object, not {type(value).__name__}.")
        if b"\\u0000" in body and _holds_nul(value):
            raise ParseError("The body holds a NUL character (\\u0000): remove it.")
        if _too_deep(value):
            raise ParseError(f"The body is nested more than {MAX_DEPTH} levels deep: flatten it.")
        if _LARGE.search(body):
            _refuse_large_numbers(value)
        return value


def _refuse_large_numbers(value: Any) -> None:
    faults = [
        Detail(
            path=path,
            code="number_too_large",
            message=f"{number!r} is beyond what is kept exactly: use one within 9.2e18 of zero.",
            expected="a number from -9.2e18 to 9.2e18",
            received=number,
        )
        for path, number in _large_numbers(value, "")
    ]
    if faults:
        where = f"{faults[0].path}: " if faults[0].path else ""
        raise InvalidInput(f"{where}{faults[0].message}", details=faults[:20])


def _large_numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    """Yield the numbers that are too large, each with its place in the body."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _large_numbers(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _large_numbers(inner, f"{path}[{index}]")
    elif isinstance(value, int | float) and abs(value) > LARGEST_NUMBER:
        yield path, value


def _too_deep(value: Any) -> bool:
    """Tell whether the value is too deep to be written again inside an answer.

    The writer goes 254 levels deep and walks a value far faster than any loop of ours; what is
    wrapped around it here is the room that answers need.
    """
    for _ in range(WRITER_DEPTH - MAX_DEPTH):
        value = [value]
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return True
    return False


def _holds_nul(value: Any) -> bool:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if "\x00" in item:
                return True
        elif isinstance(item, dict):
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False
