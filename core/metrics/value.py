"""A metric that has no value says why: never 0, infinity or NaN in its place."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan


@dataclass(frozen=True, slots=True)
class Undefined:
    """The result of a metric that its input does not define.

    Attributes
    ----------
    reason : str
        Why, as a clause for people: ``"there was no losing trade"``.
    """

    reason: str


Value = float | Undefined
"""What a metric function returns; a whole number is returned as an int."""


def scaled(value: Value, factor: float) -> Value:
    """Return ``value * factor``; what is undefined stays so."""
    return value if isinstance(value, Undefined) else value * factor


def not_finite(value: float) -> Undefined:
    """Return why a number that a formula gave is none after all.

    The formulas guard against division by zero themselves. This is the last line: what overflows
    (the compound growth of a huge gain in a minute), or came from what was no number, must not
    reach a database or JSON.
    """
    if isnan(value):
        return Undefined("what it is computed from holds values that are not numbers")
    return Undefined("the result is too large to be a number")
