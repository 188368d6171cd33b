"""A group of configuration keys that is declared once, as a dataclass, and checks itself."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, get_args, get_origin, get_type_hints

from core.errors import Detail, InvalidInput


def bounded(
    default: float | None,
    *,
    above: float = -math.inf,
    minimum: float = -math.inf,
    below: float = math.inf,
    maximum: float = math.inf,
) -> Any:
    """Declare a number and its range; `above` and `below` are exclusive."""
    bounds = {"above": above, "minimum": minimum, "below": below, "maximum": maximum}
    return field(default=default, metadata=bounds)


@dataclass(frozen=True, slots=True)
class Section:
    """A group of keys that reads itself from a mapping and checks itself when made."""

    def __post_init__(self) -> None:
        faults = _range_faults(self) or self.conflicts()
        if faults:
            raise _invalid(faults)

    def conflicts(self) -> list[Detail]:
        """Return faults between keys; a section that has any overrides this."""
        return []

    @classmethod
    def completed(cls, mapping: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the mapping with what its keys stand for; sections with presets override it."""
        return mapping

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Read a section from plain data, such as a JSON object; absent keys take defaults.

        Raises
        ------
        InvalidInput
            With a detail for every fault: unknown keys, wrong types, values out of range.
        """
        if not isinstance(mapping, Mapping):
            raise _invalid([fault("", "invalid_type", "must be an object", "an object", mapping)])
        mapping = cls.completed(mapping)
        hints = get_type_hints(cls)
        faults = [_unknown(name, hints) for name in mapping if name not in hints]
        values: dict[str, Any] = {}
        for name, value in mapping.items():
            if name in hints:
                try:
                    values[name] = _read(name, hints[name], value)
                except InvalidInput as error:
                    faults.extend(error.details)
        try:
            section = cls(**values)
        except InvalidInput as error:
            faults.extend(error.details)
        if faults:
            raise _invalid(faults)
        return section

    def as_dict(self) -> dict[str, Any]:
        """Return plain data that `from_mapping` reads back to an equal section."""
        return dataclasses.asdict(self)


def _read(name: str, hint: Any, value: Any) -> Any:
    """Return `value` as the type of the key, or raise what is wrong with it."""
    choices = get_args(hint)
    if isinstance(hint, type) and issubclass(hint, Section):
        return _read_section(name, hint, value)
    if hint is bool:
        if isinstance(value, bool):
            return value
        raise _invalid([fault(name, "invalid_type", "must be true or false", "boolean", value)])
    if type(None) in choices and value is None:
        return None
    if get_origin(hint) is Mapping:
        return _read_numbers(name, value)
    if choices and isinstance(choices[0], str):
        if value in choices:
            return value
        known = ", ".join(choices)
        raise _invalid([fault(name, "unknown_choice", f"must be one of: {known}", known, value)])
    return _read_number(name, value, whole=hint is int or int in choices)


def _read_section(name: str, section: type[Section], value: Any) -> Section:
    if isinstance(value, section):
        return value
    if not isinstance(value, Mapping):
        raise _invalid([fault(name, "invalid_type", "must be an object", "an object", value)])
    try:
        return section.from_mapping(value)
    except InvalidInput as error:
        raise _invalid(
            [
                dataclasses.replace(
                    detail, path=f"{name}.{detail.path}", message=f"{name}.{detail.message}"
                )
                for detail in error.details
            ]
        ) from error


def _read_numbers(name: str, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise _invalid([fault(name, "invalid_type", "must be an object", "an object", value)])
    return {
        str(key): _read_number(f"{name}.{key}", number, whole=False)
        for key, number in value.items()
    }


def _read_number(name: str, value: Any, *, whole: bool) -> float:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        kind = "a whole number" if whole else "a number"
        raise _invalid([fault(name, "invalid_type", f"must be {kind}", kind, value)])
    try:
        return value if whole else float(value)
    except OverflowError as error:
        raise _invalid([fault(name, "out_of_range", "is too large", "a float64", value)]) from error


def _range_faults(section: Section) -> list[Detail]:
    faults = []
    for key in dataclasses.fields(section):
        value = getattr(section, key.name)
        if not key.metadata or value is None:
            continue
        above, minimum, below, maximum = (
            key.metadata[bound] for bound in ("above", "minimum", "below", "maximum")
        )
        if not (above < value < below and minimum <= value <= maximum and math.isfinite(value)):
            wanted = _range_text(above, minimum, below, maximum)
            faults.append(fault(key.name, "out_of_range", f"must be {wanted}", wanted, value))
    return faults


def _range_text(above: float, minimum: float, below: float, maximum: float) -> str:
    parts = (
        (above, f"above {above:g}"),
        (minimum, f"at least {minimum:g}"),
        (below, f"below {below:g}"),
        (maximum, f"at most {maximum:g}"),
    )
    return " and ".join(text for bound, text in parts if math.isfinite(bound)) or "finite"


def _unknown(name: str, known: Mapping[str, Any]) -> Detail:
    keys = ", ".join(known)
    return fault(str(name), "unknown_key", f"is not a key; known keys are {keys}", keys, name)


def fault(path: str, code: str, rule: str, expected: Any, received: Any) -> Detail:
    """Return the detail that says `path` breaks `rule`."""
    shown = received
    if not isinstance(received, (str, int, float, bool, type(None))):
        shown = repr(received)
    elif isinstance(received, float) and not math.isfinite(received):
        shown = repr(received)  # JSON has no NaN
    subject = path or "configuration"
    return Detail(path, code, f"{subject} {rule}, found {shown!r}.", expected, shown)


def _invalid(faults: list[Detail]) -> InvalidInput:
    message = " ".join(fault.message for fault in faults)
    return InvalidInput(f"The run's configuration is invalid: {message}", details=faults)
