"""Programs with code trade as on backtesting.py, whose code is a plain-Python one of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

pytest.importorskip("backtesting", reason="the reference engine is optional (AGPL-3.0)")

from core.backtests.reference import reference_run
from core.backtests.scenario_code import CodeAuthor
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
from core.engine.simulate import simulate
from tests.engine.scenario import random_market

EXACT = (
    "entry_bar", "exit_bar", "side", "quantity", "entry_price", "exit_price", "pnl",
    "commission", "entry_rule",
)  # fmt: skip


def random_scenario(seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(30, 120))
    bars = random_market(rng, count, float(rng.choice([0.005, 0.02, 0.06])))
    author = CodeAuthor(rng, truths=3, number=3)
    for _ in range(4):
        author.truth(4)
        author.store()
    author.add(Op.COLUMN, 3)
    author.add(Op.PUSH, value=rng.choice([0.95, 0.99]))
    author.add(Op.MULTIPLY)
    author.store()
    guarded = Stop(StopKind.PRICE, register=4)
    size = Size(SizeKind.PERCENT_OF_EQUITY, float(rng.choice([1.0, 0.5])))
    rules = (
        Rule(Operation.OPEN_LONG, -1, size, guard=0, stop_loss=guarded, max_entries=1),
        Rule(Operation.OPEN_SHORT, 1, size, guard=1),
        Rule(Operation.CLOSE, -1, guard=2, fraction=float(rng.choice([1.0, 0.5]))),
        Rule(Operation.CLOSE_LONG, 2, guard=3),
        Rule(Operation.OPEN_LONG, 0, size),
    )
    columns = [*(rng.random((3, count)) < rng.choice([0.05, 0.3])), bars.close]
    program = Program(
        tuple("abcd"), rules, warmup=int(rng.integers(0, 5)), code=tuple(author.code),
        registers=5, cells=author.cells,
    )  # fmt: skip
    config = RunConfig.from_mapping(
        {
            "commission": {"percent": float(rng.choice([0.0, 0.002]))},
            "spread": float(rng.choice([0.0, 0.001])),
            "trade_on_close": bool(rng.random() < 0.25),
        }
    )
    return bars, columns, program, config


@pytest.mark.parametrize("chunk", range(3))
def test_random_code_trades_as_on_backtesting_py(chunk: int) -> None:
    trades = 0
    for seed in range(chunk * 30, chunk * 30 + 30):
        bars, columns, program, config = random_scenario(seed)
        ours = simulate(bars, columns, program, dataclasses.replace(config, profile="reference"))
        theirs = reference_run(bars=bars, columns=columns, program=program, config=config)
        for field in EXACT:
            assert ours.trades[field].tolist() == theirs.trades[field].tolist(), (seed, field)
        assert ours.equity.tolist() == theirs.equity.tolist(), seed
        trades += len(ours.trades)
    assert trades > 150


@pytest.mark.parametrize("field", list(AccountField), ids=lambda field: field.name.lower())
@pytest.mark.parametrize("on_close", [False, True], ids=["open", "close"])
def test_every_field_is_read_alike(field: AccountField, on_close: bool) -> None:
    rng = np.random.default_rng(int(field))
    bars = random_market(rng, 200, 0.02)
    columns = [*(rng.random((3, 200)) < 0.06), bars.close]
    # The close of the bar is compared with the field's change: every value decides something.
    code = (
        Instruction(Op.FIELD, field), Instruction(Op.FIELD, field),
        Instruction(Op.SHIFT, 0, 3.0), Instruction(Op.GREATER), Instruction(Op.STORE, 0),
        Instruction(Op.FIELD, field), Instruction(Op.PUSH, value=2.0),
        Instruction(Op.LESS_EQUAL), Instruction(Op.STORE, 1),
    )  # fmt: skip
    size = Size(SizeKind.PERCENT_OF_EQUITY, 0.5)
    rules = (
        Rule(Operation.OPEN_LONG, 0, size, guard=1, take_profit=Stop(StopKind.PERCENT, 0.03)),
        Rule(Operation.OPEN_SHORT, 1, size, stop_loss=Stop(StopKind.PERCENT, 0.02)),
        Rule(Operation.OPEN_LONG, 2, size),
        Rule(Operation.CLOSE, 1, guard=0, fraction=0.4),
        Rule(Operation.CLOSE, -1, guard=0),
    )
    program = Program(tuple("abcd"), rules, code=code, registers=2, cells=4)
    config = RunConfig.from_mapping({"trade_on_close": on_close, "commission": {"per_order": 1.0}})
    ours = simulate(bars, columns, program, dataclasses.replace(config, profile="reference"))
    theirs = reference_run(bars=bars, columns=columns, program=program, config=config)
    assert len(ours.trades) > 5
    for name in EXACT:
        assert ours.trades[name].tolist() == theirs.trades[name].tolist(), name
