"""Fields of the trading endpoints: amounts and words."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class PlainDecimalField(serializers.DecimalField):
    """A decimal string without the zeros that the column's scale adds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=24, decimal_places=8, normalize_output=True, **options)


class WordField(serializers.ChoiceField):
    """One of a few words, however it is capitalised; a fault lists them."""

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices, **options)
        self.error_messages["invalid_choice"] = (
            '"{input}" is not possible: use ' + ", ".join(map(str, self.choices)) + "."
        )

    def to_internal_value(self, data: Any) -> Any:
        """Return the word."""
        return super().to_internal_value(data.strip().lower() if isinstance(data, str) else data)
