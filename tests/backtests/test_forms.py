"""What the forms of a backtest say of fields that there are not."""

from __future__ import annotations

import pytest

from core.backtests.api.forms import RunForm

KNOWN = (
    "strategy_id, version, symbols, universe, start, end, interval, capital, parameters, config, "
    "name, tags, initial_capital, ticker, symbol, strategy"
)


@pytest.mark.parametrize(
    ("key", "hint"),
    [("intervall", " Did you mean 'interval'?"), ("tikcer", " Did you mean 'ticker'?"), ("x", "")],
)
def test_a_misspelt_field_is_told_with_what_was_meant(key, hint):
    form = RunForm(
        data={
            "strategy_id": "sma_crossover", "symbols": ["GOOG"], "capital": 10_000,
            "start": "2024-01-02", "end": "2024-02-02", key: 1,
        }
    )  # fmt: skip
    assert not form.is_valid()
    assert form.errors == {key: [f"There is no such field.{hint} There are: {KNOWN}."]}
