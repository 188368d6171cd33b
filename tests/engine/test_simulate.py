"""The public call: what it refuses, how it is compiled, how it grows."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.caching import CacheImpl

from core.engine import caching, compiled
from core.engine.bars import Bars
from core.engine.compiled import kernel_load
from core.engine.config import RunConfig
from core.engine.program import Operation, Program, Rule, Size, SizeKind, Stop, StopKind
from core.engine.simulate import simulate
from core.engine.version import ENGINE_VERSION
from core.engine.warm import warm_kernels
from core.errors import InvalidInput
from tests.engine.scenario import build, close, flat, long, percent, play, random_market, short


def refused(*rules: Rule, columns: Any = None, **program: Any) -> dict[str, str | None]:
    given = [np.zeros(3, np.bool_), np.ones(3)] if columns is None else columns
    names = tuple(str(number) for number in range(2))
    with pytest.raises(InvalidInput) as caught:
        simulate(flat(1, 1, 1), given, Program(names, rules, **program), RunConfig())
    return {detail.path: detail.node_id for detail in caught.value.details}


def test_every_fault_of_every_rule_is_told_with_its_node() -> None:
    assert refused(
        Rule(Operation.OPEN_LONG, 7, Size(SizeKind.UNITS, 0.0), source="enter"),
        Rule(Operation.OPEN_SHORT, 1, Size(SizeKind.PERCENT_OF_EQUITY, 1.5), source="sell"),
        Rule(Operation.OPEN_LONG, 0, Size(SizeKind.RISK_PERCENT, 0.01), source="risk"),
        Rule(Operation.CLOSE, 0, fraction=1.5, source="leave"),
        Rule(Operation.OPEN_LONG, 0, stop_loss=Stop(StopKind.PERCENT, 1.0), source="stop"),
        Rule(Operation.OPEN_LONG, 0, take_profit=Stop(StopKind.PRICE, column=0), source="take"),
    ) == {
        "program.rules[0].trigger": "enter",
        "program.rules[0].size.value": "enter",
        "program.rules[1].trigger": "sell",
        "program.rules[1].size.value": "sell",
        "program.rules[2].stop_loss": "risk",
        "program.rules[3].fraction": "leave",
        "program.rules[4].stop_loss.value": "stop",
        "program.rules[5].take_profit.column": "take",
    }


def test_columns_and_settings_that_do_not_fit_are_refused() -> None:
    rule = Rule(Operation.OPEN_LONG, 0)
    assert refused(rule, columns=[np.zeros(3, np.bool_)]) == {"columns": None}
    assert refused(rule, columns=[np.zeros(3, np.bool_), np.ones(4)]) == {"columns[1]": None}
    assert set(refused(rule, warmup=-1, max_open_entries=0)) == {
        "program.warmup",
        "program.max_open_entries",
    }
    with pytest.raises(InvalidInput, match="no bars"):
        simulate(flat(1).slice(0, 0), [], Program((), ()), RunConfig())


def test_a_program_without_rules_holds_cash() -> None:
    result = simulate(flat(1, 2, 3), [], Program((), ()), RunConfig(cash=5.0))
    assert result.equity.tolist() == [5, 5, 5]
    assert result.engine_version == ENGINE_VERSION
    assert result.warnings == ()


def test_fills_and_trades_grow_with_the_run() -> None:
    count = 4_000
    bars = flat(*([100] * count))
    result = play(bars, long(*range(0, count, 2)), short(*range(1, count, 2)))
    assert len(result.trades) == count - 1
    assert len(result.fills) == 2 * (count - 1)
    assert (result.trades["entry_bar"] == np.arange(1, count)).all()
    assert (result.trades["exit_bar"] == np.minimum(np.arange(2, count + 1), count - 1)).all()


def test_one_compilation_serves_every_run() -> None:
    warm_kernels()
    bars = random_market(np.random.default_rng(1), 50, 0.02)
    play(bars, long(1), close(5), profile="reference")
    play(bars, long(1, stop_loss=percent(0.1)), entries=3, fractional=True)
    columns, program = build(50, [long(3)])
    names = [field.name for field in dataclasses.fields(Bars)]
    writeable = Bars(*(getattr(bars, name).copy() for name in names))
    simulate(writeable, columns, program, RunConfig())
    assert len(kernel_load().signatures) == 1


@numba.njit(nogil=True)
def trivial(market: Any, plan: Any, tables: Any, curves: Any, start: int) -> int:
    return start


def test_a_machine_without_any_cache_folder_compiles_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(compiled, "bars_run", trivial)
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    kernel = kernel_load.__wrapped__()
    assert len(kernel.signatures) == 1
    assert "cache cannot be used" in caplog.text


def test_a_missing_cache_folder_is_made_and_an_edit_of_a_rule_never_reads_the_old_kernel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(compiled, "bars_run", trivial)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "not" / "there"))
    hits = []
    for fingerprint in ("before", "before", "after"):
        monkeypatch.setattr(caching, "source_fingerprint", lambda *_, text=fingerprint: text)
        kernel = kernel_load.__wrapped__()
        hits.append(sum(kernel.stats.cache_hits.values()))
    assert hits == [0, 1, 0]
    assert len(list(tmp_path.rglob("*.nbc"))) == 2


@pytest.mark.parametrize("rubbish", [b"", b"rubbish"])
def test_a_damaged_cache_costs_a_compilation_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, rubbish: bytes
) -> None:
    monkeypatch.setattr(compiled, "bars_run", trivial)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    kernel_load.__wrapped__()
    (index,) = tmp_path.rglob("*.nbi")
    index.write_bytes(rubbish)
    assert len(kernel_load.__wrapped__().signatures) == 1


def test_what_other_sources_compiled_is_not_even_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(compiled, "bars_run", trivial)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    kernel_load.__wrapped__()
    (index,) = tmp_path.rglob("*.nbi")
    # Numba's version first, then the entries, here with a type whose module is gone.
    version = pickle.dumps(numba.__version__)
    index.write_bytes(version + b"cmodule_that_is_gone\nTables\n.")
    with pytest.raises(ModuleNotFoundError):
        kernel_load.__wrapped__()
    monkeypatch.setattr(caching, "source_fingerprint", lambda *_: "other")
    assert len(kernel_load.__wrapped__().signatures) == 1
