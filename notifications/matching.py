"""Filters of rules: what they may say, and which events they meet.

A filter is a value (equal to it) or a mapping of operators, all of which must hold:
``{"ticker": "GOOG", "sharpe": {"gte": 1, "lt": 3}, "interval": {"in": ["1d", "1h"]}}``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from core.errors import Detail, InvalidInput
from notifications.events import EVENTS, NUMBER

MAX_LIST: Final = 100
MAX_TEXT: Final = 200
ORDERINGS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
EQUALITIES: Final = ("eq", "ne", "in")
OPERATORS: Final = (*EQUALITIES, *ORDERINGS)


def filters_match(filters: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    """Tell whether an event meets every filter. It raises nothing, whatever the event holds.

    Numbers compare as numbers, decimal strings included. What the event does not have, or has as
    null, meets nothing but ``ne``.
    """
    return all(
        _holds(name, found, data.get(field))
        for field, wanted in filters.items()
        for name, found in _operations(wanted).items()
    )


def filters_check(event: str, filters: Mapping[str, Any]) -> None:
    """Refuse filters that no event of this kind could ever meet.

    Raises
    ------
    InvalidInput
        With every fault.
    """
    if event not in EVENTS:
        message = f"Nothing tells of {event} any more: choose another event, or delete the rule."
        raise InvalidInput(message, details=[Detail("event", "invalid_choice", message)])
    faults = [
        fault
        for name, wanted in filters.items()
        if (fault := _filter_fault(event, name, wanted)) is not None
    ]
    if faults:
        raise InvalidInput(faults[0].message, details=faults)


def operators_of(kind: str) -> list[str]:
    """Return the operators that a filter on a field of this kind may have."""
    return list(OPERATORS if kind == NUMBER else EQUALITIES)


def _operations(wanted: Any) -> Mapping[str, Any]:
    return wanted if isinstance(wanted, Mapping) else {"eq": wanted}


def _holds(name: str, wanted: Any, value: Any) -> bool:
    if name == "in":
        return isinstance(wanted, list) and any(_equal(one, value) for one in wanted)
    if name == "ne":
        return not _equal(wanted, value)
    if name == "eq":
        return _equal(wanted, value)
    compare = ORDERINGS.get(name)
    left, right = _number(value), _number(wanted)
    return compare is not None and left is not None and right is not None and compare(left, right)


def _equal(wanted: Any, value: Any) -> bool:
    left, right = _number(wanted), _number(value)
    if left is not None and right is not None:
        return left == right
    return type(wanted) is type(value) and bool(wanted == value)


def _number(value: Any) -> Decimal | None:
    """Return a number, or a text that is one, exactly; None for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() else None


def _filter_fault(event: str, name: str, wanted: Any) -> Detail | None:
    fields = EVENTS[event].fields
    path = f"filters.{name}"
    if name not in fields:
        message = f"{event} has no {name!r}: filter on {', '.join(fields) or 'nothing'}."
        return Detail(path, "unknown_filter", message, list(fields), name)
    operations = _operations(wanted)
    if not operations:
        return Detail(path, "required", f"{name} has no operator.", list(OPERATORS), wanted)
    is_number = fields[name] == NUMBER
    allowed = operators_of(fields[name])
    for word, value in operations.items():
        if word not in allowed:
            message = f"{word!r} is no operator of {name}: use one of {', '.join(allowed)}."
            return Detail(f"{path}.{word}", "invalid_choice", message, allowed, word)
        if fault := _value_fault(word, value, is_number=is_number):
            return Detail(f"{path}.{word}", "invalid", f"{name}: {fault}.", fields[name], value)
    return None


def _value_fault(word: str, value: Any, *, is_number: bool) -> str | None:
    if word == "in":
        if not isinstance(value, list) or not 0 < len(value) <= MAX_LIST:
            return f"'in' takes a list of 1 to {MAX_LIST} values"
        faults = (_value_fault("eq", one, is_number=is_number) for one in value)
        return next((fault for fault in faults if fault), None)
    if is_number:
        good = isinstance(value, int | float) and not isinstance(value, bool)
        return None if good and math.isfinite(value) else "it takes a number"
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        return None
    return f"it takes a text of at most {MAX_TEXT} characters"
