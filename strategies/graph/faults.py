"""Collecting faults, so that a caller learns all of them at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

from core.errors import Detail, InvalidInput
from core.spelling import did_you_mean

_SHOWN_CHARACTERS = 100


def shown(value: Any) -> Any:
    """Return what a fault may repeat of a value: scalars as they are, the rest by its kind."""
    if isinstance(value, str):
        return value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else "a very large integer"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return "object"
    return "list" if isinstance(value, (list, tuple)) else type(value).__name__


def said(value: Any) -> str:
    """Return a value as a message says it: 'smaa', 3, or a JSON object."""
    if isinstance(value, (dict, list, tuple)):
        return f"a JSON {shown(value)}"
    return repr(shown(value))


def near(word: Any, known: Iterable[str]) -> str:
    """Return a hint as `did_you_mean` does, of a word in any case and of nothing else."""
    return did_you_mean(word.lower(), known) if isinstance(word, str) else ""


class BadValueError(Exception):
    """A value that a parameter cannot take; the collector knows where it was found.

    Parameters
    ----------
    code, message, expected, received
        As in `core.errors.Detail`.
    within : str, optional
        Where inside the value, such as ``".value"``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        expected: Any = None,
        received: Any = None,
        within: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.expected = expected
        self.received = shown(received)
        self.within = within


MAX_FAULTS: Final = 100
"""Faults that are shown; the others are counted."""

_HINTED_FAULTS = 20
_LONGEST_MESSAGE = 1_000
_SHORT_MESSAGE = 300
_SHORT_LIST = 10


class Faults:
    """The faults found so far, in the order of finding.

    Parameters
    ----------
    most : int
        How many are kept; the others are counted.
    """

    def __init__(self, most: int = MAX_FAULTS) -> None:
        self.most = most
        self.count = 0
        self._shown: list[Detail] = []

    def __bool__(self) -> bool:
        return bool(self.count)

    @property
    def details(self) -> list[Detail]:
        """The first faults, and one that counts the others if there are more than `most`."""
        hidden = self.count - len(self._shown)
        if not hidden:
            return list(self._shown)
        message = f"There are {hidden} faults more; these are the first {len(self._shown)}."
        return [*self._shown, Detail("", "too_many_faults", message, received=self.count)]

    def add(
        self,
        path: str,
        code: str,
        message: str,
        *,
        expected: Any = None,
        received: Any = None,
        node_id: str | None = None,
    ) -> None:
        """Note one fault."""
        self.count += 1
        if self.count > self.most:
            return
        # A document may be wrong a hundred times over: what is possible is told in full at first.
        first = self.count <= _HINTED_FAULTS
        longest = _LONGEST_MESSAGE if first else _SHORT_MESSAGE
        if len(message) > longest:
            message = message[:longest] + "…"
        if isinstance(expected, (list, tuple)) and not first:
            expected = list(expected[:_SHORT_LIST])
        self._shown.append(Detail(path, code, message, expected, shown(received), node_id))

    def near(self, word: Any, known: Iterable[str]) -> str:
        """Return a hint as `near` does, for the first faults only: the search takes its time."""
        return near(word, known) if self.count < _HINTED_FAULTS else ""

    def at(self, path: str, node_id: str | None = None) -> Place:
        """Return a view that notes faults below one path."""
        return Place(self, path, node_id)

    def raise_if_any(self, what: str) -> None:
        """Raise `InvalidInput` with the faults noted, if there is one.

        Parameters
        ----------
        what : str
            What cannot be done, such as "The strategy graph cannot be saved".
        """
        faults_raise(self.details, what)


def faults_raise(details: Sequence[Detail], what: str) -> None:
    """Raise `InvalidInput` with the `details` of `Faults`, if there are any."""
    if not details:
        return
    first, last = details[0], details[-1]
    rest = (last.received if last.code == "too_many_faults" else len(details)) - 1
    more = f" (and {rest} more: see details)" if rest else ""
    raise InvalidInput(f"{what}: {first.message}{more}", details=list(details))


class Place:
    """The faults of one place in the document: a node, an edge, a parameter."""

    def __init__(self, faults: Faults, path: str, node_id: str | None = None) -> None:
        self.faults = faults
        self.path = path
        self.node_id = node_id
        self._before = faults.count

    @property
    def sound(self) -> bool:
        """Whether nothing was noted since this place was made."""
        return self.faults.count == self._before

    def add(
        self, where: str, code: str, message: str, *, expected: Any = None, received: Any = None
    ) -> None:
        """Note a fault at `where` below the place; an empty `where` is the place itself."""
        path = ".".join(part for part in (self.path, where[:_SHOWN_CHARACTERS]) if part)
        self.faults.add(
            path, code, message, expected=expected, received=received, node_id=self.node_id
        )

    def add_bad_value(self, where: str, bad: BadValueError) -> None:
        """Note a value below the place that a parameter refused."""
        self.add(
            where + bad.within, bad.code, bad.message, expected=bad.expected, received=bad.received
        )

    def near(self, word: Any, known: Iterable[str]) -> str:
        """Return a hint as `Faults.near` does."""
        return self.faults.near(word, known)
