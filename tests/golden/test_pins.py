"""A change of a result needs a new version of the engine."""

from __future__ import annotations

import pytest

pytest.importorskip("backtesting", reason="brings the hourly sample (optional, AGPL-3.0)")

from core.engine.version import ENGINE_VERSION
from tests.golden.pinned import (
    cases,
    data_hashes,
    hashes,
    pins_read,
    pins_renew,
    result_hash,
)
from tests.golden.public_path import SHARES


@pytest.fixture(scope="module")
def found():
    return hashes()


def test_results_are_what_was_pinned_with_the_version(found):
    pins = pins_read()
    changed = [name for name, value in found.items() if pins["results"].get(name) != value]
    # Unpinned, a version would let its results change for as long as nobody pins them.
    advice = "a new version, not pinned yet: run python -m tests.golden.pinned"
    assert pins["engine_version"] == ENGINE_VERSION, advice
    data = data_hashes()
    moved = [name for name, value in data.items() if pins["data"].get(name) != value]
    assert moved == [], "the bars changed, not the engine: run python -m tests.golden.pinned"
    advice = "results changed: raise ENGINE_VERSION, then run python -m tests.golden.pinned"
    assert changed == [], advice
    assert len(found) == len(pins["results"]) >= 45
    # No two runs are the same one under two names.
    assert len(set(found.values())) == len(found)


def test_other_results_are_not_pinned_under_a_version_that_is_pinned():
    data = {"a": "x", "b": "y", "c": "z"}
    pins = {"engine_version": "1.0.0", "results": {"a": "1", "b": "2"}, "data": data}
    assert pins_renew(pins, "1.0.0", {"a": "1", "b": "2", "c": "3"}, data)["results"]["c"] == "3"
    with pytest.raises(ValueError, match=r"1 results changed .*'b'.* raise ENGINE_VERSION"):
        pins_renew(pins, "1.0.0", {"a": "1", "b": "9"}, data)
    other = {"engine_version": "1.1.0", "results": {"a": "1", "b": "9"}, "data": data}
    assert pins_renew(pins, "1.1.0", {"a": "1", "b": "9"}, data) == other
    # Other bars explain other results.
    assert pins_renew(pins, "1.0.0", {"a": "1", "b": "9"}, data | {"b": "w"})["results"]["b"] == "9"


def test_a_hash_sees_every_part_of_a_result(found):
    name = "risk AAPL adjusted on close"
    case = cases()[name]
    assert result_hash(case) == found[name]
    one_cent = case._replace(config={**case.config, "cash": 10_000.01})
    assert result_hash(one_cent) != found[name]


def test_pinned_runs_are_diverse():
    every = cases().values()
    assert {(case.symbol, case.prices) for case in every} == {
        *((symbol, prices) for symbol in SHARES for prices in ("adjusted", "raw")),
        ("EURUSD", "raw"),
    }
    kinds = {
        (node["params"].get("order_type"), node["type"])
        for case in every
        for node in case.document["nodes"]
        if node["type"] == "action"
    }
    assert {kind for kind, _ in kinds} >= {"limit", "stop", "stop_limit", "trailing_stop"}
    keys = {key for case in every for key in case.config}
    assert keys >= {
        *("profile", "margin", "maintenance_margin", "participation", "tick_size", "lot_size"),
        *("fractional", "exclusive", "trade_on_close", "borrow_rate", "financing_rate", "slippage"),
    }
