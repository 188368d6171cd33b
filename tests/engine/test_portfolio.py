"""Instruments that share an account, with numbers worked out by hand."""

from __future__ import annotations

import pytest

from core.engine.program import (
    AccountField,
    Instruction,
    Op,
    Operation,
    Rule,
    Size,
    SizeKind,
)
from core.engine.result import ExitReason
from tests.engine.order_scenario import limit
from tests.engine.portfolio_scenario import HALF, RULES, fills_of, paper, play_together


def test_each_instrument_has_an_equal_share_of_the_account():
    result = play_together(
        {"B": paper(20, 20, 30, enter=[0]), "A": paper(10, 10, 20, enter=[0], leave=[1])}
    )
    assert result.symbols == ("A", "B")
    assert fills_of(result) == [
        (1, "A", 50, 10), (1, "B", 25, 20), (2, "A", -50, 20), (2, "B", -25, 30)
    ]  # fmt: skip
    assert result.equity.tolist() == [1_000, 1_000, 1_750]
    assert result.cash.tolist() == [1_000, 0, 1_750]
    assert result.gross.tolist() == [0, 1_000, 0]
    assert result.positions.tolist() == [0, 2, 0]
    assert result.position[result.rows(0)].tolist() == [0, 50, 0]
    assert result.position[result.rows(1)].tolist() == [0, 25, 0]
    assert result.earned.tolist() == [500, 250]
    assert result.trades["instrument"].tolist() == [0, 1]
    assert result.trades["exit_reason"].tolist() == [ExitReason.SIGNAL, ExitReason.END]


def test_weights_are_shares_of_the_equity_at_the_fill():
    result = play_together(
        {"A": paper(10, 10, 20, 20, enter=[0]), "B": paper(5, 5, 5, 4, enter=[1])},
        allocation={"method": "weights", "weights": {"A": 0.6, "B": 0.25}},
        liquidate_at_end=False,
    )
    # A: 600 of 1,000. When B is bought A is worth 1,200 and the account 1,600: B gets 400.
    assert fills_of(result) == [(1, "A", 60, 10), (2, "B", 80, 5)]
    assert result.equity.tolist() == [1_000, 1_000, 1_600, 1_520]
    assert result.cash.tolist() == [1_000, 400, 0, 0]
    assert result.earned.tolist() == [600, -80]


def test_a_share_is_capped_by_what_the_others_have_left():
    result = play_together(
        {"A": paper(10, 10, 30, enter=[0]), "B": paper(10, 10, 10, enter=[1])},
        liquidate_at_end=False,
    )
    # The account is worth 2,000, half of it is 1,000, but A holds 1,500 of it.
    assert fills_of(result)[1] == (2, "B", 50, 10)
    assert result.cash[-1] == 0


def test_a_size_that_is_no_share_is_rejected_where_it_cannot_be_paid():
    rules = {"enter": Rule(Operation.OPEN_LONG, 0, Size(SizeKind.UNITS, 60.0))}
    result = play_together(
        {"A": paper(10, 10, 10, enter=[0]), "B": paper(10, 10, 10, enter=[0])}, rules
    )
    assert [fill[1] for fill in fills_of(result)] == ["A", "A"]
    assert result.counters["rejected_unaffordable"] == 1


def test_with_the_whole_account_for_each_the_first_come_take_it():
    rules = RULES | {"enter": Rule(Operation.OPEN_LONG, 0, Size(SizeKind.PERCENT_OF_EQUITY, 0.6))}
    days = {"prices": (10, 10, 10), "enter": [0]}
    result = play_together(
        {symbol: paper(*days["prices"], enter=days["enter"]) for symbol in "CBA"},
        rules,
        allocation={"method": "full"},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(1, "A", 60, 10), (1, "B", 40, 10)]
    assert result.counters["rejected_below_lot"] == 1


def test_what_rounding_leaves_of_the_money_buys_nothing():
    odd = {"enter": [0], "rank": [0.0] * 3}
    result = play_together(
        {symbol: paper(7.1, 7.1, 7.1, **odd) for symbol in "ABCDEFG"},
        commission={"percent": 0.003},
        allocation={"method": "full"},
        liquidate_at_end=False,
    )
    assert [fill[1] for fill in fills_of(result)] == ["A"]
    assert result.positions.tolist() == [0, 1, 1]


def test_a_reversal_has_the_share_of_its_instrument():
    rules = {"enter": Rule(Operation.OPEN_LONG, 0), "short": Rule(Operation.OPEN_SHORT, 1)}
    papers = {
        "A": paper(10, 10, 20, 20, enter=[0], short=[1]),
        "B": paper(10, 10, 10, 10, enter=[0]),
    }
    result = play_together(papers, rules, liquidate_at_end=False)
    # At the open of day 2 the account is worth 1,500: half of it is 750.
    assert fills_of(result) == [
        (1, "A", 50, 10), (1, "B", 50, 10), (2, "A", -50, 20), (2, "A", -37.5, 20)
    ]  # fmt: skip
    assert result.gross[-1] == 750 + 500
    assert result.cash[-1] == 1_750


def test_what_was_bought_at_a_limit_is_worth_that_for_the_next_order():
    half = {"enter": Rule(Operation.OPEN_LONG, 0, HALF, **limit(8.0))}
    result = play_together(
        {symbol: paper(10, (10, 10, 8, 10), enter=[0]) for symbol in "AB"},
        half,
        allocation={"method": "full"},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(1, "A", 62.5, 8), (1, "B", 62.5, 8)]
    assert result.equity[-1] == 1_250


def test_lots_commissions_and_spread_are_those_of_each_order():
    result = play_together(
        {"A": paper(10, 10, 12, enter=[0], leave=[1]), "B": paper(7, 7, 7, enter=[0])},
        fractional=False,
        commission={"per_order": 1.0},
        spread=0.1,
        liquidate_at_end=False,
    )
    # 499 buy 45 at 11; the other half of what is left then, 953, less 1, buys 61 at 7.7.
    assert fills_of(result) == [
        (1, "A", 45, pytest.approx(11)), (1, "B", 61, pytest.approx(7.7)), (2, "A", -45, 12)
    ]  # fmt: skip
    assert result.trades["pnl"].tolist() == pytest.approx([45.0 - 2.0])
    assert result.equity[-1] == pytest.approx(1_000 + 45 - 2 - 1 - 61 * 0.7)
    assert result.earned.tolist() == pytest.approx([43.0, -43.7])


def test_alerts_name_their_instrument_and_moment():
    rules = RULES | {"alert": Rule(Operation.ALERT, 2)}
    result = play_together(
        {"A": paper(10, None, 10, alert=[2]), "B": paper(10, 10, 10, enter=[0], alert=[1, 2])},
        rules,
    )
    assert [(row["bar"], row["instrument"], row["rule"]) for row in result.alerts] == [
        (1, 1, 2), (2, 0, 2), (2, 1, 2)
    ]  # fmt: skip
    assert (result.alerts["ts"] == result.ts[result.alerts["bar"]]).all()
    assert len(result.fills) == 2


def coded(field: AccountField, above: float) -> dict[str, object]:
    """A register that is true where a field is above a number."""
    code = (
        Instruction(Op.FIELD, field), Instruction(Op.PUSH, value=above),
        Instruction(Op.GREATER), Instruction(Op.STORE, 0),
    )  # fmt: skip
    return {"code": code, "registers": 1}


def test_code_reads_the_position_of_its_instrument():
    rules = RULES | {"leave": Rule(Operation.CLOSE, -1, guard=0)}
    result = play_together(
        {"A": paper(10, 10, 12, 12, enter=[0]), "B": paper(10, 10, 10, 10, enter=[0])},
        rules,
        program=coded(AccountField.UNREALIZED_PNL, 50.0),
        liquidate_at_end=False,
    )
    assert fills_of(result)[2:] == [(3, "A", -50, 12)]


@pytest.mark.parametrize(
    ("field", "above"),
    [(AccountField.EQUITY, 1_099.0), (AccountField.CLOSED_TRADES, 0.5)],
)
def test_code_reads_the_account_of_all(field, above):
    rules = RULES | {
        "guarded": Rule(Operation.OPEN_LONG, 2, guard=0),
        "leave": Rule(Operation.CLOSE, 1),
    }
    result = play_together(
        {
            "A": paper(10, 10, 12, 12, 12, enter=[0], leave=[1]),
            "B": paper(10, 10, 10, 10, 10, guarded=[0, 1, 2]),
        },
        rules,
        program=coded(field, above),
        liquidate_at_end=False,
    )
    # A is sold on day 2 for 100 more than it cost: B sees it at that close.
    assert fills_of(result)[2:] == [(3, "B", 55, 10)]


def test_memory_of_the_code_is_each_instruments_own():
    code = (
        Instruction(Op.COLUMN, 0), Instruction(Op.RUN_LENGTH, 0), Instruction(Op.PUSH, value=1.0),
        Instruction(Op.GREATER), Instruction(Op.STORE, 0),
    )  # fmt: skip
    rules = {"mark": Rule(Operation.ALERT, 0, guard=0)}
    result = play_together(
        {
            "A": paper(10, 10, 10, 10, mark=[0, 1, 3]),
            "B": paper(10, 10, 10, 10, mark=[1, 3]),
            "C": paper(10, None, 10, 10, mark=[0, 2]),
        },
        rules,
        program={"code": code, "registers": 1, "cells": 1},
    )
    assert [(row["bar"], row["instrument"]) for row in result.alerts] == [(1, 0), (2, 2)]
