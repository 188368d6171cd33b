"""Small markets and programs for tests, written the way one would on paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Operation, Program, Rule, Stop, StopKind
from core.engine.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from core.engine.result import Result

DAY_NS = 86_400_000_000_000


@dataclass(frozen=True)
class Signal:
    """A rule and the bars at whose close its trigger is true."""

    bars: tuple[int, ...]
    operation: Operation
    options: dict[str, Any]


def long(*bars: int, **options: Any) -> Signal:
    return Signal(bars, Operation.OPEN_LONG, options)


def short(*bars: int, **options: Any) -> Signal:
    return Signal(bars, Operation.OPEN_SHORT, options)


def close(*bars: int, **options: Any) -> Signal:
    return Signal(bars, Operation.CLOSE, options)


def percent(value: float) -> Stop:
    return Stop(StopKind.PERCENT, value)


def at_level(number: int) -> Stop:
    """A stop at the price in level column `number`."""
    return Stop(StopKind.PRICE, column=-1 - number)


def times_level(value: float, number: int) -> Stop:
    return Stop(StopKind.MULTIPLE, value, column=-1 - number)


def market(rows: Sequence[tuple[float, float, float, float]]) -> Bars:
    """Daily bars from (open, high, low, close)."""
    columns = np.array(rows, dtype=float).T
    return Bars.from_arrays(
        ts=np.arange(len(rows)) * DAY_NS,
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=np.full(len(rows), 1000.0),
    )


def flat(*prices: float) -> Bars:
    """Bars without any range: open, high, low and close are one price."""
    return market([(price, price, price, price) for price in prices])


def build(
    count: int,
    signals: Sequence[Signal],
    levels: Sequence[Sequence[float]] = (),
    warmup: int = 0,
    entries: int = 1,
) -> tuple[list[NDArray[Any]], Program]:
    columns: list[NDArray[Any]] = []
    rules = []
    for signal in signals:
        trigger = np.zeros(count, np.bool_)
        trigger[list(signal.bars)] = True
        columns.append(trigger)
        options = {
            key: _placed(value, len(signals)) if isinstance(value, Stop) else value
            for key, value in signal.options.items()
        }
        rules.append(Rule(signal.operation, trigger=len(columns) - 1, **options))
    columns.extend(np.array(level, dtype=float) for level in levels)
    names = tuple(f"column {number}" for number in range(len(columns)))
    return columns, Program(names, tuple(rules), warmup=warmup, max_open_entries=entries)


def _placed(stop: Stop, signals: int) -> Stop:
    """Turn the number of a level into the number of its column."""
    if stop.kind == StopKind.PERCENT:
        return stop
    return Stop(stop.kind, stop.value, signals + (-1 - stop.column))


def play(
    bars: Bars,
    *signals: Signal,
    levels: Sequence[Sequence[float]] = (),
    warmup: int = 0,
    entries: int = 1,
    **config: Any,
) -> Result:
    columns, program = build(len(bars), signals, levels, warmup, entries)
    return simulate(bars, columns, program, RunConfig.from_mapping(config))


def random_market(rng: np.random.Generator, count: int, volatility: float) -> Bars:
    """Bars that gap, with wicks, rounded to cents."""
    steps = rng.normal(0.0, volatility, (2, count))
    closes = 100.0 * np.exp(np.cumsum(steps[0] + steps[1] / 2))
    opens = np.roll(closes, 1) * np.exp(steps[1] / 2)
    opens[0] = 100.0
    wicks = np.abs(rng.normal(0.0, volatility / 2, (2, count)))
    opens, closes = np.round(opens, 2), np.round(closes, 2)
    highs = np.round(np.maximum(opens, closes) * (1 + wicks[0]), 2)
    lows = np.round(np.minimum(opens, closes) * (1 - wicks[1]), 2)
    floor = 0.01
    return Bars.from_arrays(
        ts=np.arange(count) * DAY_NS,
        open=np.maximum(opens, floor),
        high=np.maximum(highs, floor),
        low=np.maximum(lows, floor),
        close=np.maximum(closes, floor),
        volume=np.ones(count),
    )
