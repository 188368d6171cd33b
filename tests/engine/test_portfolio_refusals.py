"""What instruments that share an account cannot share."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.listed import Listed
from core.engine.portfolio import simulate_portfolio
from core.engine.program import (
    Program,
)
from core.errors import InvalidInput
from tests.engine.portfolio_scenario import RULES, paper, play_together


def listed_bars(count: int, **columns: object) -> Listed:
    ones = np.ones(count)
    bars = Bars.from_arrays(
        ts=np.arange(count), open=ones, high=ones, low=ones, close=ones, volume=ones
    )
    return Listed("A", bars, columns.get("columns", [np.zeros(count, np.bool_)] * 2), 0)


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"profile": "reference", "fractional": False}, "profile"),
        ({"trade_on_close": True}, "trade_on_close"),
        ({"allocation": {"method": "weights", "weights": {"A": 1.0}}}, "allocation.weights.B"),
        (
            {"allocation": {"method": "weights", "weights": {"A": 0.6, "B": 0.6}}},
            "allocation.weights",
        ),
        ({"allocation": {"max_positions": 1, "rotate": True}}, "allocation.rotate"),
    ],
)
def test_what_instruments_cannot_share_is_refused(config, path):
    with pytest.raises(InvalidInput) as caught:
        play_together({"A": paper(10, 10), "B": paper(10, 10)}, **config)
    assert [detail.path for detail in caught.value.details] == [path]


def test_columns_that_do_not_fit_name_their_instrument():
    program = Program(("a", "b"), tuple(RULES.values()))
    short = listed_bars(3, columns=[np.zeros(3, np.bool_), np.zeros(2, np.bool_)])
    few = Listed("B", short.bars, [np.zeros(3, np.bool_)], 0)
    with pytest.raises(InvalidInput) as caught:
        simulate_portfolio([short, few], program, RunConfig())
    assert [(one.path, one.code) for one in caught.value.details] == [
        ("A.columns[1]", "shape_mismatch"), ("B.columns", "length_mismatch")
    ]  # fmt: skip


def test_a_rank_must_be_a_column():
    program = Program(("a", "b"), tuple(RULES.values()), rank=2)
    with pytest.raises(InvalidInput, match=r"program\.rank"):
        simulate_portfolio([listed_bars(3)], program, RunConfig())


@pytest.mark.parametrize(("count", "code"), [(0, "out_of_range"), (501, "out_of_range")])
def test_there_are_one_to_five_hundred_instruments(count, code):
    one = listed_bars(2)
    many = [Listed(f"S{number:03}", one.bars, one.columns, 0) for number in range(count)]
    with pytest.raises(InvalidInput) as caught:
        simulate_portfolio(many, Program(("a", "b"), tuple(RULES.values())), RunConfig())
    assert [detail.code for detail in caught.value.details] == [code]


def test_an_instrument_is_listed_once_and_has_bars():
    one = listed_bars(2)
    empty = Listed("B", one.bars.slice(0, 0), [np.zeros(0, np.bool_)] * 2, 0)
    with pytest.raises(InvalidInput) as caught:
        simulate_portfolio(
            [one, empty, one], Program(("a", "b"), tuple(RULES.values())), RunConfig()
        )
    assert {detail.code for detail in caught.value.details} == {"duplicate", "no_bars"}
