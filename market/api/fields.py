"""What people write into queries: intervals, days, moments."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.errors import InvalidInput
from market.choices import Adjustment
from market.intervals import INTERVALS, interval_get
from market.listings import symbol_check


class IntervalField(serializers.CharField):
    """The length of bars, by name or alias; becomes our name for it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", f"{', '.join(INTERVALS)}; also `1 hour`, `daily`, ...")
        super().__init__(max_length=20, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the name."""
        try:
            return interval_get(super().to_internal_value(data)).name
        except InvalidInput as error:
            raise serializers.ValidationError(error.message, code="invalid_choice") from error


class AdjustmentField(serializers.ChoiceField):
    """What is in the prices; `true` means all of it, `false` none."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "help_text",
            "`all`: splits and dividends are in the prices; `splits`: splits alone; `raw`: as "
            "traded. `true` and `false` mean `all` and `raw`.",
        )
        super().__init__(choices=[*Adjustment.values, "true", "false"], **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the name."""
        written = str(data).strip().lower()
        if written in serializers.BooleanField.TRUE_VALUES:
            return Adjustment.ALL.value
        if written in serializers.BooleanField.FALSE_VALUES:
            return Adjustment.RAW.value
        return str(super().to_internal_value(written))


class SymbolField(serializers.CharField):
    """A symbol in any case; becomes upper case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the symbol in upper case."""
        try:
            return symbol_check(super().to_internal_value(data))
        except InvalidInput as error:
            raise serializers.ValidationError(error.message, code=error.code) from error


@extend_schema_field({"type": "string", "example": "2012-01-31"})
class DayOrTimeField(serializers.Field[date | datetime, str, str, Any]):
    """A day (its whole session) or a moment (UTC where it names no zone)."""

    def to_internal_value(self, data: Any) -> date | datetime:
        """Return a date for a day, else a datetime."""
        text = str(data).strip()
        # A space is what a plus sign in a query becomes.
        written = text.replace(" ", "+") if "T" in text else text
        try:
            found = parse_date(written) if len(written) <= 10 else parse_datetime(written)
        except ValueError:
            found = None
        if found is None:
            raise serializers.ValidationError(
                f"{text[:40]!r} is not a day or time: write 2012-01-31 or 2012-01-31T14:30:00Z.",
                code="invalid",
            )
        return found

    def to_representation(self, value: date | datetime) -> str:
        """Return ISO 8601."""
        return value.isoformat()
