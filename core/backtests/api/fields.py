"""Fields of the request forms, with messages that say how to fix what is wrong."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.backtests.services.creation import CAPITAL_AT_MOST

FIRST_YEAR, LAST_YEAR = 1900, 2200


@extend_schema_field(OpenApiTypes.STR)
class DayOrTimeField(serializers.Field[Any, Any, Any, Any]):
    """A day (``2015-01-31``: the whole session) or a time (``2015-01-31T14:30:00Z``)."""

    default_error_messages = {
        "invalid": (
            "{given!r} is neither a day nor a time: write 2015-01-31, or 2015-01-31T14:30:00Z."
        ),
        "out_of_range": "{given!r} is outside of the years 1900 to 2200: choose a date within.",
    }

    def to_internal_value(self, data: Any) -> date | datetime:
        """Return a date where only a day was given, else a time in UTC."""
        if not isinstance(data, str):
            self.fail("invalid", given=data)
        text = data.strip()
        try:
            value = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
            if isinstance(value, datetime):
                value = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail("invalid", given=data[:50])
        if not FIRST_YEAR <= value.year < LAST_YEAR:
            self.fail("out_of_range", given=data[:50])
        return value

    def to_representation(self, value: date | datetime) -> str:
        """Return the ISO 8601 text."""
        return value.isoformat().replace("+00:00", "Z")


class NumberField(serializers.Field[float, Any, float, Any]):
    """A finite number within bounds; a text that holds one is taken too, a boolean is not."""

    default_error_messages = {
        "not_a_number": "{given!r} is not a number: send a finite number such as {example}.",
        "out_of_range": "{given} is not {bounds}: change it.",
    }

    def __init__(
        self,
        *,
        above: float | None = None,
        at_least: float | None = None,
        at_most: float,
        example: str,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._above = above
        self._at_least = at_least
        self._at_most = at_most
        self._example = example

    def to_internal_value(self, data: Any) -> float:
        """Return a finite float within the bounds."""
        try:
            value = float(data) if not isinstance(data, bool) else math.nan
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if not math.isfinite(value):
            self.fail("not_a_number", given=data, example=self._example)
        low_enough = self._above is not None and value <= self._above
        if (
            low_enough
            or (self._at_least is not None and value < self._at_least)
            or (value > self._at_most)
        ):
            self.fail("out_of_range", given=value, bounds=self._bounds())
        return value

    def to_representation(self, value: float) -> float:
        """Return the number."""
        return value

    def _bounds(self) -> str:
        low = f"above {self._above:g}" if self._above is not None else f"{self._at_least:g} or more"
        return f"{low} and at most {self._at_most:,.10g}"


def capital_field(**options: Any) -> NumberField:
    """Return a field for initial cash."""
    return extend_schema_field(OpenApiTypes.DOUBLE)(NumberField)(
        above=0, at_most=CAPITAL_AT_MOST, example="10000", **options
    )


@extend_schema_field(OpenApiTypes.ANY)
class CostField(serializers.Field[Any, Any, Any, Any]):
    """A fraction of the notional (0.001 is 0.1 %), or an object as in `config`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._fraction = NumberField(at_least=0, at_most=0.5, example="0.001 for 0.1 %")

    def to_internal_value(self, data: Any) -> float | dict[str, Any]:
        """Return the object as it is, or the fraction."""
        if isinstance(data, dict):
            return data
        fraction: float = self._fraction.run_validation(data)
        return fraction

    def to_representation(self, value: Any) -> Any:
        """Return the value."""
        return value
