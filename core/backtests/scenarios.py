"""Random markets and programs, to compare engines on what nobody thought of.

A scenario is a function of its seed. It holds what the reference engine knows: market entries both
ways, guards of every kind, partial exits, whole units, costs, margin, and in every other one rules
that look at the position.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import (
    AccountField,
    Instruction,
    Op,
    Operation,
    Program,
    Rule,
    Size,
    SizeKind,
    Stop,
    StopKind,
)

NS_PER_DAY: Final = 86_400_000_000_000
TRIGGERS: Final = 4
LOWEST_PRICE: Final = 0.01
LEAVING: Final = 0
"""Register that is true where the position is too old, or has lost too much."""
RESTED: Final = 1
"""Register that is true where the last position was closed long enough ago."""
_OPENING: Final = (Operation.OPEN_LONG, Operation.OPEN_SHORT)
_CLOSING: Final = (Operation.CLOSE_LONG, Operation.CLOSE_SHORT, Operation.CLOSE)


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """What `core.engine.simulate.simulate` takes."""

    bars: Bars
    columns: tuple[NDArray[Any], ...]
    program: Program
    config: RunConfig


def scenario_draw(seed: int) -> Scenario:
    """Return the scenario of a seed: 20 to 150 bars, four rules in random order."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(20, 150))
    bars = market_draw(rng, count=count, volatility=float(rng.choice([0.005, 0.02, 0.08])))
    levels = np.array(
        [
            bars.close * rng.uniform(0.85, 1.02, count),
            bars.close * rng.uniform(0.98, 1.15, count),
            bars.close * rng.uniform(0.0, 0.1, count),
        ]
    )
    levels[2, : count // 10] = np.nan
    triggers = rng.random((TRIGGERS, count)) < float(rng.choice([0.03, 0.15, 0.5]))
    rules = _rules(rng)
    program = Program(
        columns=tuple("abcdefg"),
        rules=tuple(rules[place] for place in rng.permutation(len(rules))),
        warmup=int(rng.choice([0, 1, 2, count // 5, count])),
    )
    if seed % 2:
        program = _on_position(program, rng)
    return Scenario(bars, (*triggers, *levels), program, _config(rng))


def market_draw(rng: np.random.Generator, *, count: int, volatility: float) -> Bars:
    """Return daily bars that gap, with wicks, rounded to cents.

    Parameters
    ----------
    volatility : float
        Standard deviation of the logarithm of a bar's change.
    """
    steps = rng.normal(0.0, volatility, (2, count))
    close = np.round(100.0 * np.exp(np.cumsum(steps[0] + steps[1] / 2)), 2)
    open_ = np.round(np.concatenate([[100.0], close[:-1]]) * np.exp(steps[1] / 2), 2)
    wicks = np.abs(rng.normal(0.0, volatility / 2, (2, count)))
    high = np.round(np.maximum(open_, close) * (1 + wicks[0]), 2)
    low = np.round(np.minimum(open_, close) * (1 - wicks[1]), 2)
    prices = np.maximum([open_, high, low, close], LOWEST_PRICE)
    return Bars.from_arrays(
        ts=np.arange(count) * NS_PER_DAY,
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume=np.ones(count),
    )


def _rules(rng: np.random.Generator) -> Sequence[Rule]:
    """Return an entry of each side and two exits; levels 0 and 1 lie below and above the price."""
    below, above, over, under = (_guard(rng, level) for level in (0, 1, 1, 0))
    fraction = float(rng.choice([1.0, 0.5, 0.21]))
    return (
        Rule(Operation.OPEN_LONG, 0, _size(rng), stop_loss=below, take_profit=above),
        Rule(Operation.OPEN_SHORT, 1, _size(rng), stop_loss=over, take_profit=under),
        Rule(_CLOSING[rng.integers(len(_CLOSING))], 2, fraction=fraction),
        Rule(Operation.CLOSE, 3, fraction=0.4),
    )


def _on_position(program: Program, rng: np.random.Generator) -> Program:
    """Return a program that leaves what is old or lost, and then rests before it enters again."""
    bars, percent, rest = (float(value) for value in rng.integers(1, 15, 3))
    code = (
        Instruction(Op.FIELD, AccountField.BARS_HELD),
        Instruction(Op.PUSH, value=bars),
        Instruction(Op.GREATER_EQUAL),
        Instruction(Op.FIELD, AccountField.UNREALIZED_PNL_PCT),
        Instruction(Op.PUSH, value=-percent),
        Instruction(Op.LESS),
        Instruction(Op.OR),
        Instruction(Op.STORE, LEAVING),
        Instruction(Op.FIELD, AccountField.BARS_SINCE_EXIT),
        Instruction(Op.PUSH, value=rest),
        Instruction(Op.GREATER),
        Instruction(Op.STORE, RESTED),
    )
    rules = [
        dataclasses.replace(rule, guard=RESTED) if rule.operation in _OPENING else rule
        for rule in program.rules
    ]
    leave = Rule(Operation.CLOSE, -1, guard=LEAVING)
    return dataclasses.replace(program, rules=(*rules, leave), code=code, registers=2)


def _guard(rng: np.random.Generator, level: int) -> Stop | None:
    kinds = (
        Stop(StopKind.PERCENT, float(rng.uniform(0.005, 0.2))),
        Stop(StopKind.MULTIPLE, float(rng.uniform(0.5, 3.0)), TRIGGERS + 2),
        Stop(StopKind.PRICE, 0.0, TRIGGERS + level),
    )
    chosen = kinds[rng.integers(len(kinds))]
    return chosen if rng.random() < 0.6 else None


def _size(rng: np.random.Generator) -> Size:
    if rng.random() < 0.25:
        return Size(SizeKind.UNITS, float(rng.integers(1, 140)))
    return Size(SizeKind.PERCENT_OF_EQUITY, float(rng.choice([1.0, 0.95, 0.5, 0.013])))


def _config(rng: np.random.Generator) -> RunConfig:
    commission = {
        "percent": float(rng.choice([0.0, 0.001, 0.02])),
        "per_order": float(rng.choice([0.0, 0.0, 1.5])),
        "per_unit": float(rng.choice([0.0, 0.0, 0.01])),
        "minimum": float(rng.choice([0.0, 0.0, 1.0])),
        "maximum": [None, None, 20.0][rng.integers(3)],
    }
    return RunConfig.from_mapping(
        {
            "profile": "reference",
            "cash": float(rng.choice([150.0, 1_000.0, 10_000.0, 1e6])),
            "commission": commission,
            "spread": float(rng.choice([0.0, 0.0005, 0.01])),
            "margin": float(rng.choice([1.0, 1.0, 0.5, 0.1, 1 / 30])),
            "trade_on_close": bool(rng.random() < 0.25),
            "liquidate_at_end": bool(rng.random() < 0.8),
        }
    )
