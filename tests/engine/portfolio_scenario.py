"""Small portfolios for tests, written the way one would on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.listed import Listed
from core.engine.portfolio import PortfolioResult, simulate_portfolio
from core.engine.program import Operation, Program, Rule, Size, SizeKind
from tests.engine.scenario import DAY_NS, random_market

Prices: TypeAlias = Sequence[float | tuple[float, float, float, float] | None]
RULES: dict[str, Rule] = {
    "enter": Rule(Operation.OPEN_LONG, 0),
    "leave": Rule(Operation.CLOSE, 1),
}
SHORTS = RULES | {"enter": Rule(Operation.OPEN_SHORT, 0)}
HALF = Size(SizeKind.PERCENT_OF_EQUITY, 0.5)


@dataclass(frozen=True)
class Paper:
    """An instrument by day: a price, or open, high, low and close, or no bar at all.

    `signals` says on which days a rule is true, by its name; `rank` is a number a day.
    """

    prices: Prices
    signals: Mapping[str, Sequence[int]] = field(default_factory=dict)
    rank: Sequence[float] = ()
    warmup: int = 0


def paper(*prices: Any, rank: Sequence[float] = (), warmup: int = 0, **signals: Any) -> Paper:
    return Paper(prices, signals, rank, warmup)


def bars_by_day(prices: Prices) -> tuple[list[int], Bars]:
    """Return the days that have a bar, and the bars."""
    days = [day for day, price in enumerate(prices) if price is not None]
    rows = np.array(
        [price if isinstance(price, tuple) else (price,) * 4 for price in prices if price],
        np.float64,
    ).reshape(-1, 4)
    return days, Bars.from_arrays(
        ts=np.array(days, np.int64) * DAY_NS,
        open=rows[:, 0],
        high=rows[:, 1],
        low=rows[:, 2],
        close=rows[:, 3],
        volume=np.full(len(days), 1_000.0),
    )


def history_drawn(
    rng: np.random.Generator, days: int, *, gaps: bool
) -> tuple[NDArray[np.int64], Bars]:
    """Return the days that have a bar, and the bars: histories begin, end and have gaps."""
    there = np.ones(days, np.bool_)
    if gaps:
        there = rng.random(days) > rng.choice([0.0, 0.0, 0.3])
        there[: rng.choice([0, 0, days // 3])] = False
        there[days - rng.choice([0, 0, days // 4]) :] = False
        there[days // 2] = True
    held = np.flatnonzero(there)
    made = random_market(rng, len(held), float(rng.choice([0.01, 0.05])))
    prices = {name: getattr(made, name) for name in ("open", "high", "low", "close")}
    volume = rng.integers(0, 2_000, len(held)).astype(np.float64)
    return held, Bars.from_arrays(ts=held * DAY_NS, volume=volume, **prices)


def listed_of(symbol: str, given: Paper, rules: Mapping[str, Rule], *, ranked: bool) -> Listed:
    days, bars = bars_by_day(given.prices)
    columns: list[Any] = []
    for name in rules:
        trigger = np.zeros(len(given.prices), np.bool_)
        trigger[list(given.signals.get(name, ()))] = True
        columns.append(trigger[days])
    if ranked:
        columns.append(np.array(given.rank or [0.0] * len(given.prices), np.float64)[days])
    return Listed(symbol, bars, columns, given.warmup)


def play_together(
    papers: Mapping[str, Paper],
    rules: Mapping[str, Rule] = RULES,
    *,
    program: Mapping[str, Any] | None = None,
    **config: Any,
) -> PortfolioResult:
    """Run the rules on instruments with 1,000 in cash and any fraction of a unit."""
    ranked = any(one.rank for one in papers.values())
    listed = [listed_of(symbol, one, rules, ranked=ranked) for symbol, one in papers.items()]
    made = Program(
        tuple(f"column {number}" for number in range(len(rules) + ranked)),
        tuple(rules.values()),
        rank=len(rules) if ranked else -1,
        **program or {},
    )
    config = {"cash": 1_000.0, "fractional": True} | config
    return simulate_portfolio(listed, made, RunConfig.from_mapping(config))


def fills_of(result: PortfolioResult) -> list[tuple[int, str, float, float]]:
    """Return day, symbol, signed units and price of each fill."""
    return [
        (
            int(fill["bar"]),
            result.symbols[fill["instrument"]],
            float(fill["side"] * fill["quantity"]),
            float(fill["price"]),
        )
        for fill in result.fills
    ]
