"""Short forms of what the specs of our own indicators repeat."""

from __future__ import annotations

from typing import Final

from core.indicators.spec import Parameter

PERIOD_MAXIMUM: Final = 100_000
"""The largest period, TA-Lib's own limit."""


def bars(
    name: str,
    default: int,
    description: str,
    *aliases: str,
    minimum: int = 1,
    maximum: int = PERIOD_MAXIMUM,
) -> Parameter:
    """Return a parameter that counts bars."""
    return Parameter(
        name,
        "int",
        default,
        minimum=minimum,
        maximum=maximum,
        description=description,
        aliases=aliases,
    )


def window(default: int, *, minimum: int = 2) -> Parameter:
    """Return the parameter ``period``: the number of bars in the window."""
    aliases = ("length", "window", "timeperiod")
    return bars("period", default, "Number of bars in the window.", *aliases, minimum=minimum)


def number(
    name: str, default: float, description: str, *aliases: str, minimum: float, maximum: float
) -> Parameter:
    """Return a parameter that is a real number."""
    return Parameter(
        name,
        "float",
        default,
        minimum=minimum,
        maximum=maximum,
        description=description,
        aliases=aliases,
    )


def choice(name: str, default: str, description: str, *others: str) -> Parameter:
    """Return a parameter that names one of several definitions."""
    return Parameter(name, "choice", default, choices=(default, *others), description=description)


DDOF: Final = bars(
    "ddof",
    0,
    "0 divides by the number of bars (population), 1 by one less (sample).",
    minimum=0,
    maximum=1,
)
"""Of a standard deviation, in numpy's and pandas' word for it."""
