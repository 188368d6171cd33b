"""Random markets and programs, to compare engines on what nobody thought of.

A scenario is a function of its seed. It holds what the reference engine knows: entries both ways,
guards of every kind, partial exits, whole units, costs and margin. Of four in a row the first has
orders at the market, the second also rules that look at the position, the third orders that wait,
and the fourth orders that wait and random code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.backtests.scenario_code import CodeAuthor
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import (
    AccountField,
    Instruction,
    Op,
    Operation,
    Order,
    OrderKind,
    Price,
    PriceKind,
    Program,
    Rule,
    Size,
    SizeKind,
    Stop,
    StopKind,
    TimeInForce,
)

NS_PER_DAY: Final = 86_400_000_000_000
TRIGGERS: Final = 4
LOWEST_PRICE: Final = 0.01
LEAVING: Final = 0
"""Register that is true where the position is too old, or has lost too much."""
RESTED: Final = 1
"""Register that is true where the last position was closed long enough ago."""
STOPPED: Final = 4
"""Register that holds where the stop-loss of a long position stands."""
_KINDS: Final = 4
_LIMITED: Final = (OrderKind.LIMIT, OrderKind.STOP_LIMIT)
_STOPPED: Final = (OrderKind.STOP, OrderKind.STOP_LIMIT)
_OPENING: Final = (Operation.OPEN_LONG, Operation.OPEN_SHORT)
_CLOSING: Final = (Operation.CLOSE_LONG, Operation.CLOSE_SHORT, Operation.CLOSE)


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """What `core.engine.simulate.simulate` takes."""

    bars: Bars
    columns: tuple[NDArray[Any], ...]
    program: Program
    config: RunConfig
    sessions: NDArray[np.int64]


def scenario_draw(seed: int) -> Scenario:
    """Return the scenario of a seed: 20 to 150 bars, rules in random order."""
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
    waits, looks = seed % _KINDS >= 2, bool(seed % 2)
    if waits:
        levels[:2, rng.random(count) < 0.05] = np.nan
    triggers = rng.random((TRIGGERS, count)) < float(rng.choice([0.03, 0.15, 0.5]))
    rules = _waiting(_rules(rng), rng) if waits else _rules(rng)
    program = Program(
        columns=tuple("abcdefg"),
        rules=tuple(rules[place] for place in rng.permutation(len(rules))),
        warmup=int(rng.choice([0, 1, 2, count // 5, count])),
    )
    if looks:
        program = _with_code(program, rng) if waits else _on_position(program, rng)
    sessions = np.cumsum(rng.random(count) < 0.2, dtype=np.int64)
    return Scenario(bars, (*triggers, *levels), program, _config(rng), sessions)


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


def _with_code(program: Program, rng: np.random.Generator) -> Program:
    """Return a program whose rules, and the stop-loss of some, depend on random code."""
    author = CodeAuthor(rng, truths=TRIGGERS, number=TRIGGERS)
    for _ in range(STOPPED):
        author.truth(4)
        author.store()
    author.add(Op.COLUMN, TRIGGERS)
    author.add(Op.PUSH, value=float(rng.choice([0.95, 0.99])))
    author.add(Op.MULTIPLY)
    author.store()
    rules = [
        dataclasses.replace(rule, guard=number if number < STOPPED else -1)
        for number, rule in enumerate(program.rules)
    ]
    stopped = Stop(StopKind.PRICE, register=STOPPED)
    rules.append(Rule(Operation.OPEN_LONG, 3, _size(rng), stop_loss=stopped, guard=2))
    return dataclasses.replace(
        program, rules=tuple(rules), code=tuple(author.code), registers=5, cells=author.cells
    )


def _waiting(rules: Sequence[Rule], rng: np.random.Generator) -> Sequence[Rule]:
    """Return the rules with orders that wait, an entry more, and one that cancels them."""
    another = dataclasses.replace(rules[int(rng.integers(2))], trigger=3, size=_size(rng))
    entries = [dataclasses.replace(rule, order=_order(rng)) for rule in (*rules[:2], another)]
    return (*entries, *rules[2:], Rule(Operation.CANCEL_ORDERS, int(rng.integers(TRIGGERS))))


def _order(rng: np.random.Generator) -> Order:
    """Return an order of any kind that the reference knows, for any time."""
    kind = OrderKind(int(rng.integers(OrderKind.MARKET, OrderKind.TRAILING_STOP)))
    return Order(
        kind,
        limit=_price(rng) if kind in _LIMITED else None,
        stop=_price(rng) if kind in _STOPPED else None,
        time_in_force=TimeInForce(int(rng.integers(1, len(TimeInForce) + 1))),
        bars=int(rng.integers(1, 6)),
    )


def _price(rng: np.random.Generator) -> Price:
    kinds = (
        Price(PriceKind.OFFSET, float(rng.uniform(-0.03, 0.03))),
        Price(PriceKind.SERIES, column=TRIGGERS + int(rng.integers(2))),
        Price(PriceKind.NUMBER, float(np.round(rng.uniform(85.0, 115.0), 2))),
    )
    return kinds[rng.integers(len(kinds))]


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
