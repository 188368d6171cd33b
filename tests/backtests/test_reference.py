"""The engine's reference profile against backtesting.py itself: equal to the last bit."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.backtests.reference import reference_run
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Operation, Program, Rule, Size, SizeKind, Stop, StopKind
from core.engine.simulate import simulate
from core.errors import InvalidInput, Permanent
from tests.engine.scenario import (
    at_level,
    build,
    close,
    long,
    market,
    percent,
    play,
    random_market,
    short,
    times_level,
)

EXACT = (
    "entry_bar", "exit_bar", "entry_ts", "exit_ts", "side", "quantity",
    "entry_price", "exit_price", "pnl", "commission", "entry_rule",
)  # fmt: skip


def assert_equal(bars: Bars, columns: list[Any], program: Program, config: RunConfig) -> int:
    """Demand bit-equal trades and equity; return how many trades there were."""
    ours = simulate(bars, columns, program, dataclasses.replace(config, profile="reference"))
    theirs = reference_run(bars=bars, columns=columns, program=program, config=config)
    for field in EXACT:
        assert ours.trades[field].tolist() == theirs.trades[field].tolist(), field
    np.testing.assert_allclose(ours.trades["return"], theirs.trades["return"], rtol=1e-12)
    assert ours.equity.tolist() == theirs.equity.tolist()
    assert ours.counters["rejected_unaffordable"] == theirs.canceled
    return len(ours.trades)


def check(bars: Bars, *signals: Any, levels: Any = (), warmup: int = 0, **config: Any) -> int:
    columns, program = build(len(bars), signals, levels, warmup)
    return assert_equal(bars, columns, program, RunConfig.from_mapping(config))


@pytest.fixture(scope="module")
def goog() -> Bars:
    from backtesting.test import GOOG

    return Bars.from_arrays(
        ts=GOOG.index.to_numpy(),
        open=GOOG["Open"],
        high=GOOG["High"],
        low=GOOG["Low"],
        close=GOOG["Close"],
        volume=GOOG["Volume"],
    )


def crossing(bars: Bars, fast: int = 10, slow: int = 20) -> tuple[list[Any], Program]:
    """The SMA cross of backtesting.py's own tutorial: always in, long or short."""
    closes = pd.Series(bars.close)
    a, b = (closes.rolling(period).mean().to_numpy() for period in (fast, slow))
    up, down = np.zeros((2, len(bars)), np.bool_)
    up[1:] = (a[:-1] < b[:-1]) & (a[1:] > b[1:])
    down[1:] = (a[:-1] > b[:-1]) & (a[1:] < b[1:])
    rules = (Rule(Operation.OPEN_LONG, 0), Rule(Operation.OPEN_SHORT, 1))
    return [up, down], Program(("up", "down"), rules, warmup=slow)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"commission": {"percent": 0.002}},
        {"commission": {"per_order": 3.0, "percent": 0.001}, "spread": 0.0005},
        {"commission": {"per_unit": 0.01, "minimum": 1.0, "maximum": 5.0}},
        {"margin": 0.2, "commission": {"percent": 0.001}},
        {"trade_on_close": True, "spread": 0.001},
        {"liquidate_at_end": False},
    ],
    ids=["plain", "percent", "fixed", "per unit", "margin", "on close", "left open"],
)
def test_the_sma_cross_on_google_is_equal(goog: Bars, config: dict[str, Any]) -> None:
    columns, program = crossing(goog)
    assert assert_equal(goog, columns, program, RunConfig.from_mapping(config)) > 80


def test_the_standard_profile_agrees_but_for_the_last_exit(goog: Bars) -> None:
    columns, program = crossing(goog)
    config = RunConfig(cash=10_000)
    ours = simulate(goog, columns, program, config)
    theirs = reference_run(bars=goog, columns=columns, program=program, config=config)
    assert len(ours.trades) == len(theirs.trades) > 80
    for field in ("entry_bar", "exit_bar", "side", "quantity", "entry_price"):
        assert ours.trades[field].tolist() == theirs.trades[field].tolist(), field
    np.testing.assert_allclose(ours.trades["pnl"][:-1], theirs.trades["pnl"][:-1], rtol=1e-9)
    np.testing.assert_allclose(ours.equity[:-1], theirs.equity[:-1], rtol=1e-9)
    assert ours.trades["exit_price"][-1] == goog.close[-1]
    assert theirs.trades["exit_price"][-1] == goog.open[-1]


def test_the_standard_profile_agrees_on_programs_without_the_references_faults() -> None:
    compared = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        bars = random_market(rng, 120, 0.02)
        columns = [*(rng.random((3, 120)) < 0.1), bars.close * 0.95, bars.close * 1.05]
        below, above = Stop(StopKind.PRICE, 0.0, 3), Stop(StopKind.PRICE, 0.0, 4)
        size = Size(SizeKind.PERCENT_OF_EQUITY, 0.9)
        rules = (
            Rule(Operation.OPEN_LONG, 0, size, stop_loss=below, take_profit=above),
            Rule(Operation.OPEN_SHORT, 1, size, stop_loss=above, take_profit=below),
            Rule(Operation.CLOSE, 2, fraction=0.5),
        )
        program = Program(tuple("abcde"), rules, warmup=1)
        config = RunConfig.from_mapping(
            {"margin": [1.0, 0.4][seed % 2]}
            | [{"commission": {"percent": 0.002}}, {"spread": 0.001}][seed // 2 % 2]
        )
        ours = simulate(bars, columns, program, config)
        theirs = reference_run(bars=bars, columns=columns, program=program, config=config)
        last = len(bars) - 1  # there they part: exits at its close or at its open
        a, b = (trades[trades["exit_bar"] < last] for trades in (ours.trades, theirs.trades))
        for field in ("entry_bar", "exit_bar", "side", "quantity", "entry_price", "exit_price"):
            assert a[field].tolist() == b[field].tolist(), (seed, field)
        np.testing.assert_allclose(a["pnl"], b["pnl"], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(ours.equity[:-1], theirs.equity[:-1], rtol=1e-9)
        compared += len(a)
    assert compared > 400


CALM = [(100, 101, 99, 100)] * 3
UNITS = {"size": Size(SizeKind.UNITS, 10)}


@pytest.mark.parametrize(
    ("rows", "guards"),
    [
        ([(100, 102, 94, 96)], {"stop_loss": percent(0.05)}),
        ([(90, 91, 88, 90)], {"stop_loss": percent(0.05)}),  # the entry itself gaps past it
        ([(100, 101, 99, 100), (90, 92, 89, 91)], {"stop_loss": percent(0.05)}),
        ([(100, 106, 99, 104)], {"take_profit": percent(0.05)}),
        ([(100, 101, 99, 100), (107, 108, 106, 107)], {"take_profit": percent(0.05)}),
        ([(100, 110, 90, 100)], {"stop_loss": percent(0.05), "take_profit": percent(0.05)}),
        ([(107, 108, 90, 95)], {"stop_loss": percent(0.05), "take_profit": percent(0.05)}),
        ([(100, 101, 99, 100), (107, 108, 90, 95)],
         {"stop_loss": percent(0.05), "take_profit": percent(0.05)}),
        ([(100, 104, 99, 103)], {"stop_loss": at_level(0), "take_profit": times_level(2, 1)}),
    ],
    ids=["stop in the entry bar", "entry gaps past the stop", "later gap past the stop",
         "target in the entry bar", "gap past the target", "both: the stop wins",
         "opens beyond the target, both", "later bar opens beyond the target, both", "levels"],
)  # fmt: skip
@pytest.mark.parametrize("side", [long, short])
@pytest.mark.parametrize("on_close", [False, True])
def test_guards_fill_equally(rows: Any, guards: Any, side: Any, on_close: bool) -> None:
    levels = [[95.0] * 12, [1.5] * 12]
    if side is short:  # mirror the market at 100
        rows = [(200 - o, 200 - low, 200 - h, 200 - c) for o, h, low, c in rows]
        levels[0] = [105.0] * 12
    bars = market([*CALM, *rows, *CALM, *CALM, *CALM][:12])
    trades = check(bars, side(2, **guards, **UNITS), levels=levels, trade_on_close=on_close)
    assert trades == 1


def test_orders_of_the_last_bars_are_equal() -> None:
    bars = market([(100, 102, 98, 101), (101, 103, 99, 102), (103, 104, 97, 98), (97, 99, 95, 96)])
    for last in (2, 3):
        for first in (1, 2):
            check(bars, long(first), short(last, stop_loss=percent(0.01)))
            check(bars, long(first), close(last), trade_on_close=True)
            check(bars, long(first, last), liquidate_at_end=False)


def test_ruin_is_equal() -> None:
    falling = market([(100, 101, 99, 100)] * 3 + [(100, 100, 50, 55), (55, 56, 54, 55)] * 2)
    columns, program = build(len(falling), [long(1)])
    config = RunConfig(margin=0.4, profile="reference")
    assert_equal(falling, columns, program, config)
    result = simulate(falling, columns, program, config)
    assert result.counters["ruined"] == 1
    assert result.equity[-1] == 0.0


def test_partial_exits_are_equal() -> None:
    bars = random_market(np.random.default_rng(5), 30, 0.02)
    trades = check(
        bars,
        long(2, 20, stop_loss=percent(0.2)),
        close(5, fraction=0.3),
        close(8, 24, fraction=0.5),
        close(12),
        commission={"per_order": 2.0, "percent": 0.001},
    )
    assert trades == 5


def test_an_order_beyond_the_money_is_cancelled_equally() -> None:
    bars = market([(100, 101, 99, 100)] * 6)
    check(bars, long(1, size=Size(SizeKind.UNITS, 101)), short(3))
    check(bars, long(1), cash=50.0)
    check(bars, long(1), cash=10_000.0)  # 99 units: the reference's whole equity is 1 - eps of it
    assert len(play(bars, long(1), cash=50.0, profile="reference").trades) == 0


def random_scenario(seed: int) -> tuple[Bars, list[Any], Program, RunConfig]:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(20, 150))
    bars = random_market(rng, count, float(rng.choice([0.005, 0.02, 0.08])))
    levels = [
        bars.close * rng.uniform(0.85, 1.02, count),
        bars.close * rng.uniform(0.98, 1.15, count),
        bars.close * rng.uniform(0.0, 0.1, count),
    ]
    levels[2][: count // 10] = np.nan

    def guard(price_level: int, chance: float) -> Stop | None:
        kinds = (
            Stop(StopKind.PERCENT, float(rng.uniform(0.005, 0.2))),
            Stop(StopKind.MULTIPLE, float(rng.uniform(0.5, 3.0)), 4 + 2),
            Stop(StopKind.PRICE, 0.0, 4 + price_level),
        )
        return kinds[rng.integers(3)] if rng.random() < chance else None

    def size() -> Size:
        if rng.random() < 0.25:
            return Size(SizeKind.UNITS, float(rng.integers(1, 140)))
        return Size(SizeKind.PERCENT_OF_EQUITY, float(rng.choice([1.0, 0.95, 0.5, 0.013])))

    rate = float(rng.choice([0.03, 0.15, 0.5]))
    columns = [*(rng.random((4, count)) < rate), *levels]
    fraction = float(rng.choice([1.0, 0.5, 0.21]))
    rules = (
        Rule(Operation.OPEN_LONG, 0, size(), stop_loss=guard(0, 0.6), take_profit=guard(1, 0.6)),
        Rule(Operation.OPEN_SHORT, 1, size(), stop_loss=guard(1, 0.6), take_profit=guard(0, 0.6)),
        Rule(Operation(int(rng.integers(3, 6))), 2, fraction=fraction),
        Rule(Operation.CLOSE, 3, fraction=0.4),
    )
    program = Program(
        tuple("abcdefg"),
        tuple(rules[number] for number in rng.permutation(4)),
        warmup=int(
            rng.choice([0, 1, 2, count // 5, count, count + 3], p=[0.3, 0.2, 0.1, 0.3, 0.05, 0.05])
        ),
    )
    config = RunConfig.from_mapping(
        {
            "cash": float(rng.choice([150.0, 1_000.0, 10_000.0, 1e6])),
            "commission": {
                "percent": float(rng.choice([0.0, 0.001, 0.02])),
                "per_order": float(rng.choice([0.0, 0.0, 1.5])),
                "per_unit": float(rng.choice([0.0, 0.0, 0.01])),
                "minimum": float(rng.choice([0.0, 0.0, 1.0])),
                "maximum": [None, None, 20.0][rng.integers(3)],
            },
            "spread": float(rng.choice([0.0, 0.0005, 0.01])),
            "margin": float(rng.choice([1.0, 1.0, 0.5, 0.1, 1 / 30])),
            "trade_on_close": bool(rng.random() < 0.25),
            "liquidate_at_end": bool(rng.random() < 0.8),
        }
    )  # fmt: skip
    return bars, columns, program, config


@pytest.mark.parametrize("chunk", range(4))
def test_random_scenarios_are_equal(chunk: int) -> None:
    trades = 0
    for seed in range(chunk * 30, chunk * 30 + 30):
        try:
            trades += assert_equal(*random_scenario(seed))
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
    assert trades > 300


def test_what_the_reference_does_not_know_is_refused() -> None:
    bars = market(CALM)
    columns, program = build(3, [long(1, size=Size(SizeKind.CASH, 100.0))])
    with pytest.raises(InvalidInput, match="is not known to the reference"):
        reference_run(bars=bars, columns=columns, program=program, config=RunConfig())
    columns, program = build(3, [long(1)])
    config = RunConfig.from_mapping({"slippage": {"bps": 5}})
    with pytest.raises(InvalidInput) as caught:
        reference_run(bars=bars, columns=columns, program=program, config=config)
    assert caught.value.details[0].path == "slippage.bps"


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "backtesting", None)
    columns, program = build(3, [long(1)])
    with pytest.raises(Permanent, match=r"pip install backtesting==0\.6\.6"):
        reference_run(bars=market(CALM), columns=columns, program=program, config=RunConfig())
