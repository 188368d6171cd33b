"""Small markets and option rules for tests, and the formula that prices them, written out."""

from __future__ import annotations

from math import erf, exp, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.option_rules import (
    CloseWhen,
    Expiry,
    OptionLeg,
    OptionOperation,
    OptionRule,
    Right,
    Strike,
    StrikeBy,
)
from core.engine.program import Program, Rule
from core.options.config import OptionsConfig
from core.options.simulate import simulate_with_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.options.result import OptionsResult

DAY_NS = 86_400_000_000_000
MONDAY = 19_723  # 2024-01-01
VOL = 0.2
AT_THE_MONEY = Strike()
FREE = {
    "style": "european",
    "rate": 0.0,
    "spread": 0.0,
    "minimum_spread": 0.0,
    "commission": {"per_unit": 0.0},
}
"""Options that cost nothing to trade and are priced by Black and Scholes without interest."""


def weekdays(count: int) -> list[int]:
    """The first days from Monday on which an exchange trades."""
    return [day for day in range(MONDAY, MONDAY + 2 * count + 7) if (day + 3) % 7 < 5][:count]


def market(closes: Sequence[float], *, opens: Sequence[float] | None = None) -> Bars:
    """Daily bars on weekdays; each opens where the one before it closed."""
    close = np.array(closes, float)
    opened = np.append(close[:1], close[:-1]) if opens is None else np.array(opens, float)
    return Bars.from_arrays(
        ts=np.array(weekdays(len(close))) * DAY_NS,
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        volume=np.ones(len(close)),
    )


def friday(number: int) -> int:
    """The Friday of week `number`, the first of them being 2024-01-05."""
    return MONDAY + 4 + 7 * (number - 1)


def exact(strike: float) -> Strike:
    return Strike(StrikeBy.EXACT, strike)


def leg(kind: str, strike: Strike | float = AT_THE_MONEY, expiry: int | Expiry = 2, ratio: int = 1):
    """A leg such as "sell put"; strikes are at the money, expiries the Friday of a week."""
    side, right = kind.split()
    return OptionLeg(
        Right.CALL if right == "call" else Right.PUT,
        1 if side == "buy" else -1,
        ratio,
        strike if isinstance(strike, Strike) else exact(strike),
        expiry if isinstance(expiry, Expiry) else Expiry(date=friday(expiry)),
    )


def opening(*legs: OptionLeg, at: Sequence[int] = (0,), **options: Any) -> tuple[Any, OptionRule]:
    """A rule that opens legs, and the bars at whose close it is triggered."""
    when = CloseWhen(
        **{key: options.pop(key) for key in ("profit", "loss", "days") & options.keys()}
    )
    return at, OptionRule(
        OptionOperation.OPEN, 0, legs=legs, close_when=when, name="test", **options
    )


def closing(*at: int) -> tuple[Any, OptionRule]:
    return at, OptionRule(OptionOperation.CLOSE, 0)


def play(
    bars: Bars,
    *rules: tuple[Sequence[int], OptionRule | Rule],
    options: dict[str, Any] | None = None,
    cash: float = 100_000.0,
    vol: float | None = VOL,
    dividends: dict[int, float] | None = None,
    session_ids: Any = None,
    sessions: Any = None,
    **config: Any,
) -> OptionsResult:
    """Run rules, each triggered at the closes of its bars."""
    columns = []
    shares: list[Rule] = []
    contracts: list[OptionRule] = []
    for at, rule in rules:
        trigger = np.zeros(len(bars), np.bool_)
        trigger[list(at)] = True
        columns.append(trigger)
        values = {name: getattr(rule, name) for name in rule.__slots__}
        placed = type(rule)(**values | {"trigger": len(columns) - 1})
        (shares if isinstance(rule, Rule) else contracts).append(placed)
    program = Program(
        tuple(f"column {number}" for number in range(len(columns))),
        tuple(shares),
        option_rules=tuple(contracts),
    )
    return simulate_with_options(
        bars,
        columns,
        program,
        RunConfig.from_mapping({"cash": cash} | config),
        options_config=OptionsConfig.from_mapping(FREE | (options or {})),
        volatility=None if vol is None else np.full(len(bars), vol),
        dividends=dividends,
        session_ids=session_ids,
        sessions=sessions,
        underlying="XYZ",
    )


def price(
    kind: str, spot: float, strike: float, days: float, *, vol: float = VOL, rate: float = 0.0
) -> float:
    """Black and Scholes' price of a "call" or "put", for one share."""
    sign = 1.0 if kind == "call" else -1.0
    if days <= 0:
        return max(sign * (spot - strike), 0.0)
    years = days / 365.0
    up = (log(spot / strike) + (rate + vol * vol / 2) * years) / (vol * sqrt(years))
    down = up - vol * sqrt(years)

    def below(x: float) -> float:
        return (1.0 + erf(x / sqrt(2.0))) / 2.0

    return sign * (spot * below(sign * up) - strike * exp(-rate * years) * below(sign * down))
