"""The lengths a bar may have, and the ways people write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Self

from core.errors import Detail, InvalidInput

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400


class Interval(str):
    """A length of bars: its name, such as ``"1h"``, that also knows its length.

    Attributes
    ----------
    seconds : int
        Nominal length; a month counts as 30 days.
    label : str
        In words: ``"1 hour"``.
    """

    __slots__ = ("label", "seconds")

    seconds: int
    label: str

    def __new__(cls, name: str, seconds: int, label: str) -> Self:
        """Return a name with its facts."""
        self = super().__new__(cls, name)
        self.seconds, self.label = seconds, label
        return self

    def __reduce__(self) -> tuple[Callable[[str], Interval], tuple[str]]:
        return interval_get, (str(self),)

    @property
    def name(self) -> str:
        """As stored and shown: ``"1h"``."""
        return str(self)

    @property
    def intraday(self) -> bool:
        """Whether a session has several bars; else `ts` is the session's date at 00:00 UTC."""
        return self.seconds < DAY_S


INTERVALS = MappingProxyType(
    {
        interval.name: interval
        for interval in (
            Interval("1m", MINUTE_S, "1 minute"),
            Interval("2m", 2 * MINUTE_S, "2 minutes"),
            Interval("3m", 3 * MINUTE_S, "3 minutes"),
            Interval("5m", 5 * MINUTE_S, "5 minutes"),
            Interval("15m", 15 * MINUTE_S, "15 minutes"),
            Interval("30m", 30 * MINUTE_S, "30 minutes"),
            Interval("1h", HOUR_S, "1 hour"),
            Interval("2h", 2 * HOUR_S, "2 hours"),
            Interval("4h", 4 * HOUR_S, "4 hours"),
            Interval("1d", DAY_S, "1 day"),
            Interval("1w", 7 * DAY_S, "1 week"),
            Interval("1mo", 30 * DAY_S, "1 month"),
        )
    }
)

UNITS = MappingProxyType(
    {
        **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), MINUTE_S),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), HOUR_S),
        **dict.fromkeys(("d", "day", "days"), DAY_S),
        **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7 * DAY_S),
        **dict.fromkeys(("mo", "mon", "month", "months"), 30 * DAY_S),
    }
)
WORDS = MappingProxyType(
    {"minute": "1m", "hourly": "1h", "hour": "1h", "daily": "1d", "day": "1d", "weekly": "1w"}
    | {"week": "1w", "monthly": "1mo", "month": "1mo"}
)
BY_SECONDS = MappingProxyType({interval.seconds: interval for interval in INTERVALS.values()})
WRITTEN = re.compile(r"([0-9]{1,6})\s*([a-z]+)")


def interval_get(text: str) -> Interval:
    """Return the interval of a name or alias: ``"1h"``, ``"1 hour"``, ``"60m"``, ``"daily"``.

    Raises
    ------
    InvalidInput
        When it is none of ours; the message lists them.
    """
    written = text.strip()
    # TradingView and pandas write a month as 1M; a minute is never in upper case.
    lowered = "1mo" if written == "1M" else written.lower()
    name = WORDS.get(lowered, lowered)
    if name in INTERVALS:
        return INTERVALS[name]
    match = WRITTEN.fullmatch(lowered)
    if match and match[2] in UNITS:
        count, unit = int(match[1]), UNITS[match[2]]
        interval = BY_SECONDS.get(count * unit)
        # Seven days are not a calendar week, nor thirty a month.
        if interval and (count == 1 or interval.seconds <= DAY_S):
            return interval
    message = f"{text!r} is not an interval: use one of {', '.join(INTERVALS)}."
    raise InvalidInput(
        message,
        details=[
            Detail(
                path="interval",
                code="invalid_choice",
                message=message,
                expected=list(INTERVALS),
                received=text,
            )
        ],
    )


def interval_choices() -> list[tuple[str, str]]:
    """Return the choices of a form or model field."""
    return [(interval.name, interval.label) for interval in INTERVALS.values()]
