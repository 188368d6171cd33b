"""Random portfolios, traded by the engine and by a second simulator that was written apart."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from core.engine.config import RunConfig
from core.engine.listed import Listed
from core.engine.portfolio import simulate_portfolio
from core.engine.program import Operation, Program, Rule, Size, SizeKind, Stop, StopKind
from core.engine.result import ExitReason
from tests.engine.portfolio_oracle import Account, Item, Terms
from tests.engine.portfolio_scenario import history_drawn
from tests.engine.scenario import DAY_NS

SEEDS = 120
CHUNKS = 4


def terms_drawn(rng: np.random.Generator, count: int) -> Terms:
    places = int(rng.integers(1, count + 1)) if rng.random() < 0.7 else 500
    leverage = float(rng.choice([1.0, 2.0, 10.0]))
    return Terms(
        cash=float(rng.choice([1_000.0, 77_777.0])),
        fee=float(rng.choice([0.0, 0.002])),
        spread=float(rng.choice([0.0, 0.001])),
        slip=float(rng.choice([0.0, 0.0005])),
        leverage=leverage,
        maintenance=0.9 / leverage if leverage > 1.0 and rng.random() < 0.6 else 0.0,
        size=float(rng.choice([1.0, 0.5])),
        stop=float(rng.choice([0.03, 0.2])),
        take=float(rng.choice([0.04, 0.3])),
        places=places,
        slots=min(places, count),
        rotate=bool(places < 500 and rng.random() < 0.7),
    )


def portfolio_drawn(seed: int) -> tuple[list[Listed], list[Item], Terms, Program, RunConfig]:
    rng = np.random.default_rng(seed)
    count, days = int(rng.integers(1, 7)), int(rng.integers(8, 90))
    terms = terms_drawn(rng, count)
    often = rng.choice([0.05, 0.3])
    listed, items = [], []
    for number in range(count):
        held, bars = history_drawn(rng, days, gaps=True)
        triggers = list(rng.random((3, len(held))) < often)
        ranks = rng.integers(-2, 3, len(held)).astype(float)
        ranks[rng.random(len(held)) < 0.1] = np.nan
        warmup = int(rng.integers(0, 4))
        symbol = f"S{number}"
        listed.append(Listed(symbol, bars, [*triggers, ranks], warmup))
        rows = zip(bars.open, bars.high, bars.low, bars.close, strict=True)
        prices = {int(day): tuple(map(float, row)) for day, row in zip(held, rows, strict=True)}
        signals = [{int(day) for day in held[trigger]} for trigger in triggers]
        known = {int(day): float(rank) for day, rank in zip(held, ranks, strict=True)}
        start = int(held[warmup]) if warmup < len(held) else days
        items.append(Item(symbol, prices, *signals, known, start))
    guards: dict[str, Any] = {
        "size": Size(SizeKind.PERCENT_OF_EQUITY, terms.size),
        "stop_loss": Stop(StopKind.PERCENT, terms.stop),
        "take_profit": Stop(StopKind.PERCENT, terms.take),
    }
    rules = (
        Rule(Operation.OPEN_LONG, 0, **guards),
        Rule(Operation.OPEN_SHORT, 1, **guards),
        Rule(Operation.CLOSE, 2),
    )
    config = RunConfig.from_mapping(
        {
            "cash": terms.cash,
            "commission": {"percent": terms.fee},
            "spread": terms.spread,
            "slippage": {"bps": terms.slip * 10_000.0},
            "margin": 1.0 / terms.leverage,
            "maintenance_margin": terms.maintenance or None,
            "fractional": True,
            "allocation": {
                "max_positions": terms.places if terms.places < 500 else None,
                "rotate": terms.rotate,
            },
        }
    )
    return listed, items, terms, Program(tuple("abcd"), rules, rank=3), config


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_portfolios_trade_as_in_the_second_simulator(chunk: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(chunk * SEEDS, (chunk + 1) * SEEDS):
        listed, items, terms, program, config = portfolio_drawn(seed)
        ours = simulate_portfolio(listed, program, config)
        theirs = Account(items, terms).run()
        found = [
            (
                ours.symbols[trade["instrument"]],
                trade["entry_ts"] // DAY_NS,
                trade["exit_ts"] // DAY_NS,
                trade["side"],
                ExitReason(trade["exit_reason"]).label,
            )
            for trade in ours.trades
        ]
        assert found == [(*trade[:4], trade[8]) for trade in theirs.trades], seed
        for place, name in enumerate(("quantity", "entry_price", "exit_price", "pnl"), start=4):
            values = [trade[place] for trade in theirs.trades]
            np.testing.assert_allclose(
                ours.trades[name], values, rtol=1e-9, atol=1e-7, err_msg=f"{seed} {name}"
            )
        days = np.array(theirs.days)
        for column, name in enumerate(("equity", "cash", "gross", "positions")):
            np.testing.assert_allclose(
                getattr(ours, name), days[:, column], rtol=1e-9, atol=1e-7, err_msg=f"{seed} {name}"
            )
        for event in ("rejected_positions", "rejected_unaffordable", "liquidations"):
            assert ours.counters[event] == theirs.events.get(event, 0), (seed, event)
        seen.update(trade[8] for trade in theirs.trades)
        seen.update(theirs.events)
    wanted = {"signal", "reversal", "rotation", "stop_loss", "take_profit", "end", "liquidation"}
    assert wanted | {"rejected_positions"} <= set(seen)
