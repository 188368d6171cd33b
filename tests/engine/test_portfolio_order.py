"""Who of several instruments is served first, and who takes whose place, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.program import (
    Operation,
    Rule,
    Size,
    SizeKind,
    Stop,
    StopKind,
)
from core.engine.result import ExitReason
from tests.engine.order_scenario import limit
from tests.engine.portfolio_scenario import HALF, RULES, SHORTS, fills_of, paper, play_together


def test_the_best_by_rank_take_the_places_there_are():
    result = play_together(
        {
            "A": paper(10, 10, 10, enter=[0], rank=[1, 9, 9]),
            "B": paper(10, 10, 10, enter=[0], rank=[3, 0, 0]),
            "C": paper(10, 10, 10, enter=[0], rank=[2, 0, 0]),
        },
        allocation={"max_positions": 2},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(1, "B", 50, 10), (1, "C", 50, 10)]
    assert result.counters["rejected_positions"] == 1
    assert any("max_positions" in warning for warning in result.warnings)


@pytest.mark.parametrize(("rank", "first"), [([5, 5], "A"), ([np.nan, -1e9], "B")])
def test_ties_go_by_symbol_and_an_unknown_rank_comes_last(rank, first):
    result = play_together(
        {
            "B": paper(10, 10, enter=[0], rank=[rank[1], 0]),
            "A": paper(10, 10, enter=[0], rank=[rank[0], 0]),
        },
        allocation={"max_positions": 1},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(1, first, 100, 10)]


def test_a_better_instrument_takes_the_place_of_a_held_one_at_the_next_open():
    result = play_together(
        {
            "A": paper(10, 10, 11, (12, 12, 10, 10), enter=[0], rank=[2, 2, 2, 0]),
            "B": paper(10, 10, 10, (8, 9, 8, 9), enter=[2], rank=[1, 1, 3, 0]),
        },
        allocation={"max_positions": 1, "rotate": True},
        liquidate_at_end=False,
    )
    # What A is worth at the open, 1,200, buys B at the same open.
    assert fills_of(result) == [(1, "A", 100, 10), (3, "A", -100, 12), (3, "B", 150, 8)]
    assert result.fills["reason"][1] == ExitReason.ROTATION
    assert result.trades["exit_reason"].tolist() == [ExitReason.ROTATION]
    assert result.equity[-1] == 150 * 9
    assert result.positions.tolist() == [0, 1, 1, 1]
    assert result.counters["liquidations"] == 0


def test_without_rotation_a_held_instrument_keeps_its_place():
    result = play_together(
        {
            "A": paper(10, 10, 11, 12, enter=[0], rank=[2, 2, 2, 0]),
            "B": paper(10, 10, 10, 8, enter=[2], rank=[1, 1, 3, 0]),
        },
        allocation={"max_positions": 1},
        liquidate_at_end=False,
    )
    assert [fill[1] for fill in fills_of(result)] == ["A"]
    assert result.counters["rejected_positions"] == 1


def test_a_position_that_leaves_anyway_makes_room_for_another_but_its_reason_stays():
    result = play_together(
        {
            "A": paper(10, 10, 10, enter=[0], leave=[1], rank=[1, 1, 1]),
            "B": paper(10, 10, 10, enter=[0], rank=[2, 2, 2]),
            "C": paper(10, 10, 10, enter=[1], rank=[3, 3, 3]),
        },
        allocation={"max_positions": 2, "rotate": True},
        liquidate_at_end=False,
    )
    assert [fill[:2] for fill in fills_of(result)] == [(1, "B"), (1, "A"), (2, "A"), (2, "C")]
    assert result.trades["exit_reason"].tolist() == [ExitReason.SIGNAL]


def test_what_has_been_rotated_out_may_come_back_when_it_is_the_best_again():
    result = play_together(
        {
            "A": paper(10, 10, 10, 10, 10, enter=[0, 2, 3], rank=[2, 0, 0, 5, 5]),
            "B": paper(10, 10, 10, 10, 10, enter=[1], rank=[1, 1, 1, 1, 1]),
        },
        allocation={"max_positions": 1, "rotate": True},
        liquidate_at_end=False,
    )
    # Day 2: A asks again but ranks below B. Day 3: it ranks above.
    assert [fill[:3] for fill in fills_of(result)] == [
        (1, "A", 100), (2, "A", -100), (2, "B", 100), (4, "B", -100), (4, "A", 100)
    ]  # fmt: skip


def test_money_of_exits_buys_at_the_same_open_whatever_the_symbols():
    result = play_together(
        {
            "A": paper(10, 10, 10, enter=[1]),
            "Z": paper(10, 10, 15, enter=[0], leave=[1]),
        },
        allocation={"method": "full"},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(1, "Z", 100, 10), (2, "Z", -100, 15), (2, "A", 150, 10)]


def test_the_margin_comes_before_rotation():
    result = play_together(
        {
            "A": paper(10, 10, 10, enter=[0], rank=[1, 1, 1]),
            "B": paper(10, 6, 6, enter=[0], rank=[2, 2, 2]),
            "C": paper(10, 10, 10, enter=[1], rank=[3, 3, 3]),
        },
        SHORTS | {"enter": Rule(Operation.OPEN_LONG, 0, stop_loss=Stop(StopKind.PERCENT, 0.9))},
        margin=0.2,
        maintenance_margin=0.2,
        commission={"percent": 0.01},
        allocation={"max_positions": 2, "rotate": True},
        liquidate_at_end=False,
    )
    assert result.trades["exit_reason"].tolist() == [ExitReason.LIQUIDATION] * 2
    assert result.counters["liquidations"] == 2


def test_orders_that_wait_are_served_in_the_order_of_rank():
    rules = {"enter": Rule(Operation.OPEN_LONG, 0, **limit(9.0))}
    papers = {
        "A": paper(10, (10, 10, 9, 10), enter=[0], rank=[1, 1]),
        "B": paper(10, (10, 10, 9, 10), enter=[0], rank=[2, 2]),
    }
    result = play_together(papers, rules, allocation={"method": "full"}, liquidate_at_end=False)
    assert fills_of(result) == [(1, "B", pytest.approx(1_000 / 9), 9)]
    one = play_together(papers, rules, allocation={"max_positions": 1}, liquidate_at_end=False)
    assert fills_of(one) == [(1, "B", pytest.approx(1_000 / 9), 9)]
    assert one.counters["rejected_positions"] == 1


def test_stops_within_a_bar_free_a_place_for_an_order_that_waits():
    rules = {
        "enter": Rule(Operation.OPEN_LONG, 0, stop_loss=Stop(StopKind.PERCENT, 0.1)),
        "wait": Rule(Operation.OPEN_LONG, 1, **limit(9.0)),
    }
    result = play_together(
        {
            "A": paper(10, 10, (10, 10, 9, 9), wait=[1]),
            "Z": paper(10, 10, (10, 10, 8, 8), enter=[0]),
        },
        rules,
        allocation={"max_positions": 1},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(1, "Z", 100, 10), (2, "Z", -100, 9), (2, "A", 100, 9)]


def test_a_partial_exit_keeps_the_place_and_the_rest():
    rules = RULES | {"leave": Rule(Operation.CLOSE, 1, fraction=0.5)}
    result = play_together(
        {
            "A": paper(10, 10, 12, 12, enter=[0], leave=[1], rank=[1, 1, 1, 1]),
            "B": paper(10, 10, 10, 10, enter=[1], rank=[0, 0, 0, 0]),
        },
        rules,
        allocation={"max_positions": 1, "rotate": True},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(1, "A", 100, 10), (2, "A", -50, 12)]
    assert result.counters["rejected_positions"] == 1


def test_a_position_that_is_halved_makes_room_for_a_better_one_as_any_other():
    rules = RULES | {"leave": Rule(Operation.CLOSE, 1, fraction=0.5)}
    result = play_together(
        {
            "A": paper(10, 10, 12, 12, enter=[0], leave=[1], rank=[1, 1, 1, 1]),
            "B": paper(10, 10, 10, 10, enter=[1], rank=[0, 2, 2, 2]),
        },
        rules,
        allocation={"max_positions": 1, "rotate": True},
        liquidate_at_end=False,
    )
    assert fills_of(result)[1:] == [(2, "A", -100, 12), (2, "B", 120, 10)]


def test_rotation_cancels_the_orders_that_wait():
    rules = RULES | {"more": Rule(Operation.OPEN_LONG, 2, HALF, max_entries=2, **limit(5.0))}
    result = play_together(
        {
            "A": paper(10, 10, 10, 10, 5, enter=[0], more=[1], rank=[1, 1, 1, 1, 1]),
            "B": paper(10, 10, 10, 10, 10, enter=[2], leave=[3], rank=[0, 0, 2, 2, 2]),
        },
        rules,
        allocation={"max_positions": 1, "rotate": True},
        liquidate_at_end=False,
    )
    # On day 4 B has left and A is at 5, but the order for it was cancelled with its position.
    assert [fill[:2] for fill in fills_of(result)] == [(1, "A"), (3, "A"), (3, "B"), (4, "B")]
    assert result.counters["waiting_at_end"] == 0


def test_what_is_held_already_may_be_added_to_without_a_place():
    half = RULES | {"enter": Rule(Operation.OPEN_LONG, 0, HALF)}
    result = play_together(
        {"A": paper(10, 10, 10, enter=[0, 1]), "B": paper(10, 10, 10, enter=[1])},
        half,
        program={"max_open_entries": 2},
        allocation={"max_positions": 1},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(1, "A", 50, 10), (2, "A", 50, 10)]
    assert result.counters["rejected_positions"] == 1


def test_an_order_that_waits_adds_to_what_is_held():
    ten = Size(SizeKind.UNITS, 10.0)
    result = play_together(
        {
            "A": paper(10, 10, 10, (10, 10, 8, 10), enter=[0], more=[1]),
            "B": paper(10, 10, 10, 10, enter=[0]),
        },
        {
            "enter": Rule(Operation.OPEN_LONG, 0, ten),
            "more": Rule(Operation.OPEN_LONG, 1, ten, max_entries=2, **limit(9.0)),
        },
        program={"max_open_entries": 2},
        liquidate_at_end=False,
    )
    assert fills_of(result)[2:] == [(3, "A", 10, 9)]
