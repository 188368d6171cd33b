"""Time frames as data: a count and a unit, how long it is, what can be made of what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.errors import InvalidInput

NS_PER_S: Final = 1_000_000_000
NS_PER_MINUTE: Final = 60 * NS_PER_S
NS_PER_DAY: Final = 86_400 * NS_PER_S

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400, "mo": 30 * 86_400}
_INTRADAY: Final = frozenset({"s", "m", "h"})
_WRITTEN: Final = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d|w|mo)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A length of bars.

    Attributes
    ----------
    count : int
        How many units.
    unit : str
        "s", "m" or "h" of time passed; "d" sessions, "w" weeks of sessions, "mo" months of them.
    """

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def intraday(self) -> bool:
        """Whether it is a length of time and not one of the calendar."""
        return self.unit in _INTRADAY

    @property
    def seconds(self) -> int:
        """Nominal length; a session counts as a day, a month as thirty."""
        return self.count * _SECONDS[self.unit]

    @property
    def ns(self) -> int:
        """Nominal length in nanoseconds."""
        return self.seconds * NS_PER_S

    def divides(self, coarse: Timeframe) -> bool:
        """Return whether bars of this length can be put together to bars of a coarser one.

        Minutes and hours go into each other where the length is a whole multiple, and into days,
        weeks and months always, for those are made of sessions. Days go into weeks and months;
        weeks do not go into months.
        """
        if self.intraday:
            return not coarse.intraday or coarse.seconds % self.seconds == 0
        if self.unit == coarse.unit:
            return coarse.count % self.count == 0
        return self.unit == "d" and self.count == 1 and not coarse.intraday


@cache
def timeframe_parse(text: str) -> Timeframe:
    """Return the time frame of a canonical text: "5m", "1h", "1d", "1w", "1mo".

    Raises
    ------
    InvalidInput
        If it is none.
    """
    match = _WRITTEN.fullmatch(text)
    if match is None:
        message = f"{text!r} is not a time frame: give a count and a unit such as 5m, 1h or 1d."
        raise InvalidInput(message, code="invalid_timeframe")
    return Timeframe(int(match[1]), match[2])
