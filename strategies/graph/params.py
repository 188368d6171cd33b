"""Kinds of parameters: what a value may be, how it is spelled, how a palette shows it.

A kind is a frozen dataclass with three methods: `canonical` puts a value into its one spelling
and never fails; `read` checks a value and returns what the computation works with, or raises
`BadValueError`; `describe` is what the node catalogue shows. The same kinds check the parameters
of nodes, of settings and of the document.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from strategies.graph.faults import BadValueError, near, said
from strategies.graph.limits import MAX_NAME_LENGTH
from strategies.graph.timeframes import timeframe_canonical

REQUIRED: Final = object()
"""Marks a parameter that has no default."""

_LARGEST_INTEGER: Final = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A parameter of any JSON value; the base of all kinds.

    Attributes
    ----------
    name : str
        Its canonical name.
    default : Any
        The value where none is given; `REQUIRED` if one must be given, None if it may be absent.
    aliases : tuple of str
        Other names that are accepted.
    supported : bool
        False where the document may hold it but this version cannot run it.
    """

    kind: ClassVar[str] = "any"

    name: str
    default: Any = None
    description: str = ""
    aliases: tuple[str, ...] = ()
    supported: bool = True

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is REQUIRED

    def canonical(self, value: Any) -> Any:
        """Return the one spelling of a value; what it does not understand it returns as it is."""
        return value

    def read(self, value: Any) -> Any:
        """Return the value to work with; raise `BadValueError` if it cannot be."""
        if not self.supported:
            raise BadValueError(
                "not_supported",
                f"{self.name!r} is kept in the document but cannot run in this version: remove it.",
                received=value,
            )
        return value

    def describe(self) -> dict[str, Any]:
        """Return the parameter as the catalogue shows it."""
        about: dict[str, Any] = {
            "name": self.name,
            "type": self.kind,
            "required": self.required,
            "default": None if self.required else self.default,
            "description": self.description,
        }
        if self.aliases:
            about["aliases"] = list(self.aliases)
        if not self.supported:
            about["supported"] = False
        return about


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Param):
    """A finite number within bounds; `above` is an exclusive lower bound."""

    kind: ClassVar[str] = "float"

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None

    def read(self, value: Any) -> float:
        """Return the value as a float within the bounds."""
        Param.read(self, value)
        return self._within(_finite(self.name, value), value)

    def _within(self, number: float, received: Any) -> float:
        low_ok = self.minimum is None or number >= self.minimum
        above_ok = self.above is None or number > self.above
        high_ok = self.maximum is None or number <= self.maximum
        if low_ok and above_ok and high_ok:
            return number
        raise BadValueError(
            "out_of_range",
            f"{self.name!r} must be {self.bounds}, but is {said(received)}.",
            expected=self.bounds,
            received=received,
        )

    @property
    def bounds(self) -> str:
        """The bounds in words: "at least 2 and at most 400"."""
        limits = (("above", self.above), ("at least", self.minimum), ("at most", self.maximum))
        return " and ".join(f"{word} {limit:g}" for word, limit in limits if limit is not None)

    def describe(self) -> dict[str, Any]:
        """Return the parameter with its bounds."""
        about = Param.describe(self) | {"minimum": self.minimum, "maximum": self.maximum}
        return about if self.above is None else about | {"exclusive_minimum": self.above}


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer(Number):
    """A whole number within bounds; 20.0 is 20."""

    kind: ClassVar[str] = "int"

    def canonical(self, value: Any) -> Any:
        """Return 20.0 as 20."""
        return plain(value) if isinstance(value, float) else value

    def read(self, value: Any) -> int:
        """Return the value as an int within the bounds."""
        Param.read(self, value)
        number = _finite(self.name, value, expected="a whole number")
        if not number.is_integer() or abs(number) > _LARGEST_INTEGER:
            raise _wrong_type(self.name, "a whole number", value)
        return int(self._within(number, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean(Param):
    """True or false."""

    kind: ClassVar[str] = "bool"

    def read(self, value: Any) -> bool:
        """Return the value if it is a bool."""
        Param.read(self, value)
        if not isinstance(value, bool):
            raise _wrong_type(self.name, "true or false", value)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Param):
    """One of a few values; words in any case.

    Attributes
    ----------
    choices : tuple
        The values that can run.
    later : tuple
        Values that the document may hold but this version cannot run.
    """

    kind: ClassVar[str] = "choice"

    choices: tuple[Any, ...]
    later: tuple[Any, ...] = ()
    synonyms: Mapping[str, str] | None = None

    def canonical(self, value: Any) -> Any:
        """Return a word in lower case with underscores, and a synonym as what it stands for."""
        if not isinstance(value, str) or value in self.choices:
            return value
        word = value.strip().lower().replace(" ", "_").replace("-", "_")
        word = (self.synonyms or {}).get(word, word)
        return word if word in self.choices or word in self.later else value

    def read(self, value: Any) -> Any:
        """Return the choice in its canonical spelling."""
        Param.read(self, value)
        found = self.canonical(value)
        if _is_scalar(found) and any(_same(found, choice) for choice in self.choices):
            return found
        if _is_scalar(found) and found in self.later:
            raise BadValueError(
                "not_supported",
                f"{self.name} {found!r} is kept in the document, but this version cannot run it.",
                expected=list(self.choices),
                received=value,
            )
        hint = near(value, (choice for choice in self.choices if isinstance(choice, str)))
        known = ", ".join(str(choice) for choice in self.choices)
        raise BadValueError(
            "unknown_choice",
            f"{self.name!r} is {said(value)}, but must be one of: {known}.{hint}",
            expected=list(self.choices),
            received=value,
        )

    def describe(self) -> dict[str, Any]:
        """Return the parameter with its choices."""
        about = Param.describe(self) | {"choices": list(self.choices)}
        return about | {"unsupported_choices": list(self.later)} if self.later else about


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Param):
    """A short text."""

    kind: ClassVar[str] = "text"

    def read(self, value: Any) -> str:
        """Return the text if it is one of sensible length."""
        Param.read(self, value)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME_LENGTH:
            raise _wrong_type(self.name, f"a text of 1 to {MAX_NAME_LENGTH} characters", value)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFrame(Param):
    """A time frame such as "1h"; other spellings ("1 hour") become this one."""

    kind: ClassVar[str] = "timeframe"

    def canonical(self, value: Any) -> Any:
        """Return the one spelling, or the value if it is no time frame."""
        if not isinstance(value, str):
            return value
        return timeframe_canonical(value) or value

    def read(self, value: Any) -> str:
        """Return the time frame in its one spelling."""
        Param.read(self, value)
        found = timeframe_canonical(value) if isinstance(value, str) else None
        if found is None:
            raise _wrong_type(self.name, 'a time frame such as "5m", "1h" or "1d"', value)
        return found


def plain(number: float) -> float:
    """Return a number in the one spelling of the document: 20.0 as 20."""
    return int(number) if number.is_integer() and abs(number) <= _LARGEST_INTEGER else number


def _finite(name: str, value: Any, expected: str = "a number") -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong_type(name, expected, value)
    try:
        number = float(value)
    except OverflowError:
        raise _wrong_type(name, expected, value) from None
    if not math.isfinite(number):
        raise _wrong_type(name, expected, value)
    return number


def _wrong_type(name: str, expected: str, value: Any) -> BadValueError:
    message = f"{name!r} must be {expected}, but is {said(value)}."
    return BadValueError("wrong_type", message, expected=expected, received=value)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _same(value: Any, choice: Any) -> bool:
    """Return whether two scalars are equal and of one kind: true is not 1."""
    return isinstance(value, bool) == isinstance(choice, bool) and bool(value == choice)
