"""One spelling for a time frame: "1 hour", "60min", "1H" and "1h" are the same."""

from __future__ import annotations

import re
from typing import Final

_PATTERN: Final = re.compile(r"^\s*(\d{0,4})\s*([A-Za-z]+)\s*$", re.ASCII)

_UNITS: Final = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hour", "hours", "hourly"), "h"),
    **dict.fromkeys(("d", "day", "days", "daily"), "d"),
    **dict.fromkeys(("w", "wk", "week", "weeks", "weekly"), "w"),
    **dict.fromkeys(("mo", "mon", "month", "months", "monthly"), "mo"),
}


def timeframe_canonical(text: str) -> str | None:
    """Return the one spelling of a time frame, or None if it is none.

    Parameters
    ----------
    text : str
        A count and a unit: "15m", "1 hour", "1wk", "daily". "1M" is a month, as exchanges write
        it; otherwise case does not matter.

    Returns
    -------
    str or None
        Such as "15m", "1h", "1d", "1w", "1mo". Sixty minutes are "1h"; twenty-four hours stay
        "24h", for a session is not a day everywhere.
    """
    match = _PATTERN.match(text)
    if match is None:
        return None
    count = int(match[1] or 1)
    unit = "mo" if match[2] == "M" else _UNITS.get(match[2].lower())
    if unit is None or count == 0:
        return None
    for small, large in (("s", "m"), ("m", "h")):
        if unit == small and count % 60 == 0:
            unit, count = large, count // 60
    return f"{count}{unit}"
