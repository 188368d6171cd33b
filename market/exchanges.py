"""Exchanges: the calendars that there are, and how far back each of them knows its days."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import exchange_calendars
import pandas as pd

from core.errors import InvalidInput

ALWAYS_OPEN: Final = "24/7"
WEEKDAYS_OPEN: Final = "24/5"
ROUND_THE_CLOCK: Final = frozenset({ALWAYS_OPEN, WEEKDAYS_OPEN})
EARLIEST: Final = pd.Timestamp("1970-01-01")


def calendar_check(calendar: str) -> str:
    """Return the name of a calendar that exists, else raise InvalidInput."""
    if calendar not in ROUND_THE_CLOCK:
        exchange_get(calendar)
    return calendar


@lru_cache(maxsize=16)
def exchange_get(calendar: str) -> exchange_calendars.ExchangeCalendar:
    """Return a calendar that knows twenty years back and one ahead.

    Raises
    ------
    InvalidInput
        When exchange_calendars has none of that name, or cannot say when it is open.
    """
    try:
        return exchange_calendars.get_calendar(calendar)
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise InvalidInput(
            f"{calendar!r} is not a calendar: use a name of exchange_calendars such as XNYS, "
            "24/7, or 24/5.",
            code="unknown_calendar",
        ) from error
    except (NotImplementedError, ValueError) as error:
        # A few are listed there without their rules, or with rules that contradict each other.
        raise InvalidInput(
            f"exchange_calendars cannot say when {calendar!r} is open: {error} Use the calendar of "
            "an exchange with the same hours, 24/7, or 24/5.",
            code="unknown_calendar",
        ) from error


def exchange_since(calendar: str, first_ts: int) -> exchange_calendars.ExchangeCalendar:
    """Return a calendar that knows the days since a moment (ns), as far back as it can."""
    exchange = exchange_get(calendar)
    if first_ts < int(exchange.first_session.as_unit("ns").value):
        return _exchange_early(calendar)
    return exchange


@lru_cache(maxsize=16)
def _exchange_early(calendar: str) -> exchange_calendars.ExchangeCalendar:
    """Return a calendar that knows the years back to 1970, or to where its rules begin."""
    bound = exchange_get(calendar).bound_min()
    start = EARLIEST if bound is None else max(EARLIEST, bound)
    return exchange_calendars.get_calendar(calendar, start=start)
