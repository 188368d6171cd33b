"""Results depend on their arguments alone: not on room, on threads, on processes or on words."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import core.engine.simulate
from core.backtests.scenarios import scenario_draw
from core.engine.bars import Bars
from core.engine.simulate import simulate
from core.engine.tables import tables_new
from tests.engine import test_order_properties, test_properties

RUNS = st.one_of(test_properties.runs(), test_order_properties.runs())
ROOT = Path(__file__).parents[2]
SEEDS = range(120)


def digest_of(result: Any) -> str:
    digest = hashlib.sha256()
    for values in (result.equity, result.cash, result.position):
        digest.update(values.tobytes())
    for rows in (result.trades, result.fills, result.alerts):
        for name in rows.dtype.names:
            digest.update(np.ascontiguousarray(rows[name]).tobytes())
    digest.update(repr(result.counters).encode())
    return digest.hexdigest()


def scenario_digest(seed: int) -> str:
    drawn = scenario_draw(seed)
    return digest_of(
        simulate(
            drawn.bars, drawn.columns, drawn.program, drawn.config, sessions=drawn.sessions
        )
    )  # fmt: skip


def scenarios_digest() -> str:
    return hashlib.sha256("".join(map(scenario_digest, SEEDS)).encode()).hexdigest()


@given(RUNS)
@settings(max_examples=40)
def test_a_run_that_asks_for_room_again_and_again_is_the_same(run: Any) -> None:
    whole = digest_of(simulate(*run))
    stops = []

    def cramped(*arguments: Any) -> Any:
        """Make tables that hold the rows of one bar, and grow by no more than they must."""
        tables = tables_new(*arguments)
        rows = 3 * (tables.lots.size + tables.tickets.size) + 6
        stops.append(rows)
        return tables._replace(fills=tables.fills[:rows], trades=tables.trades[:rows])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.engine.simulate, "tables_new", cramped)
        assert digest_of(simulate(*run)) == whole
    assert stops


def test_threads_do_not_disturb_each_other() -> None:
    alone = [scenario_digest(seed) for seed in SEEDS]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(scenario_digest, SEEDS))
        backwards = list(pool.map(scenario_digest, reversed(SEEDS)))
    assert together == alone
    assert backwards[::-1] == alone


def test_another_process_finds_the_same() -> None:
    """It hashes strings in another way, compiles in another order, and runs one thread."""
    done = subprocess.run(
        [sys.executable, "-c",
         "from tests.engine.test_invariance import scenarios_digest; print(scenarios_digest())"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"PYTHONHASHSEED": "4711", "NUMBA_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == scenarios_digest(), done.stderr[-1_000:]


@given(RUNS)
@settings(max_examples=30)
def test_how_arrays_lie_in_memory_does_not_matter(run: Any) -> None:
    bars, columns, program, config = run
    names = ("ts", "open", "high", "low", "close", "volume")
    strided = {name: np.repeat(getattr(bars, name), 3)[::3] for name in names}
    other = Bars.from_arrays(**strided)
    turned = [np.repeat(column, 2)[::2] for column in columns]
    found = simulate(other, turned, program, config)
    assert digest_of(found) == digest_of(simulate(bars, columns, program, config))


@given(RUNS, st.integers(1, 30_000))
@settings(max_examples=30)
def test_the_calendar_does_not_matter_where_nothing_is_paid_for_nights(
    run: Any, shift: int
) -> None:
    bars, columns, program, config = run
    found = simulate(bars, columns, program, config)
    later = Bars(bars.ts + shift * 86_400 * 10**9, *(
        getattr(bars, name) for name in ("open", "high", "low", "close", "volume")))  # fmt: skip
    moved = simulate(later, columns, program, config)
    assert moved.equity.tobytes() == found.equity.tobytes()
    assert moved.fills["price"].tobytes() == found.fills["price"].tobytes()
    assert (moved.fills["ts"] - found.fills["ts"] == shift * 86_400 * 10**9).all()


@given(RUNS, st.sampled_from([0.25, 4.0, 1024.0]))
@settings(max_examples=30)
def test_money_has_no_scale(run: Any, scale: float) -> None:
    """In another currency, at a power of two of it, every bit but the exponent is the same."""
    bars, columns, program, config = run
    simple = dict(config.as_dict())
    unscaled = ("per_order", "per_unit", "minimum", "maximum")
    if any(simple["commission"][key] for key in unscaled) or config.tick_size:
        return
    if any(rule.size.kind == 2 for rule in program.rules):  # a sum of money
        return
    prices = (getattr(bars, name) * scale for name in ("open", "high", "low", "close"))
    other = Bars(bars.ts, *prices, bars.volume)
    columns = [column if column.dtype == bool else column * scale for column in columns]
    found = simulate(bars, run[1], program, config)
    scaled = simulate(other, columns, program, type(config).from_mapping(
        simple | {"cash": config.cash * scale}))  # fmt: skip
    assert (scaled.equity / scale).tobytes() == found.equity.tobytes()
    assert scaled.position.tobytes() == found.position.tobytes()
