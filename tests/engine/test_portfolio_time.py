"""Gaps, histories of different lengths, nights, margin calls and ruin, worked out by hand."""

from __future__ import annotations

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
from tests.engine.portfolio_scenario import SHORTS, fills_of, paper, play_together


def test_nothing_fills_where_there_is_no_bar_and_the_order_is_not_forgotten():
    result = play_together(
        {"A": paper(10, None, 12, 12, enter=[0]), "B": paper(10, 10, 10, 10, enter=[0])},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(1, "B", 50, 10), (2, "A", 500 / 12, 12)]
    assert result.ts.tolist() == [day * 86_400 * 10**9 for day in range(4)]
    assert result.position[result.rows(0)].tolist() == pytest.approx([0, 500 / 12, 500 / 12])


def test_over_a_gap_a_position_is_worth_its_last_close():
    result = play_together(
        {
            "A": paper(10, (10, 16, 9, 14), None, None, 20, enter=[0]),
            "B": paper(5, 5, 5, 6, 6, enter=[2]),
        },
        liquidate_at_end=False,
    )
    assert result.equity.tolist() == [1_000, 1_200, 1_200, 1_200, 1_500]
    # B is sized by it, too: half of 1,200, of which 500 are not in A.
    assert fills_of(result)[1] == (3, "B", pytest.approx(500 / 6), 6)
    assert result.positions.tolist() == [0, 1, 1, 2, 2]


def test_a_stop_is_not_touched_by_what_happens_in_other_instruments():
    stop = Rule(Operation.OPEN_LONG, 0, stop_loss=Stop(StopKind.PERCENT, 0.1))
    result = play_together(
        {"A": paper(10, 10, None, 8, enter=[0]), "B": paper(10, 10, 5, 5, enter=[0])},
        {"enter": stop},
    )
    assert [fill[:2] + fill[3:] for fill in fills_of(result)][2:] == [(2, "B", 5), (3, "A", 8)]


def test_histories_begin_and_end_when_they_do():
    result = play_together(
        {
            "A": paper(10, 10, 20, None, None, enter=[0]),
            "B": paper(None, None, 8, 8, 10, enter=[2]),
        }
    )
    # Half of 1,500 is 750, but 1,000 are in A, which is sold at its last close, at the end.
    assert fills_of(result) == [
        (1, "A", 50, 10), (3, "B", 62.5, 8), (4, "A", -50, 20), (4, "B", -62.5, 10)
    ]  # fmt: skip
    assert result.trades["exit_reason"].tolist() == [ExitReason.END] * 2
    assert result.trades["exit_ts"].tolist() == [4 * 86_400 * 10**9] * 2
    assert result.equity.tolist() == [1_000, 1_000, 1_500, 1_500, 1_625]
    assert result.cash.tolist() == [1_000, 500, 500, 0, 1_625]
    assert result.positions.tolist() == [0, 1, 1, 2, 0]
    # A was held at the close of its last bar, B was sold at that of its own.
    assert result.position.tolist() == [0, 50, 50, 0, 62.5, 0]
    (warning,) = result.warnings
    assert "after the bars had ended: A (1970-01-03)." in warning


def test_a_gap_at_the_end_that_is_no_longer_than_those_before_is_no_end():
    result = play_together(
        {
            "A": paper(10, None, 10, None, enter=[0]),
            "B": paper(10, 10, 10, 10),
        }
    )
    assert result.warnings == ()


def test_what_was_decided_at_the_end_of_a_history_never_fills_and_is_told():
    result = play_together(
        {"A": paper(10, 10, None, enter=[1]), "B": paper(10, 10, 10, enter=[0])},
        liquidate_at_end=False,
    )
    assert [fill[1] for fill in fills_of(result)] == ["B"]
    assert result.counters["unfilled_at_end"] == 1


def test_each_instrument_decides_from_its_own_warm_up_on():
    result = play_together(
        {
            "A": paper(10, 10, 10, 10, enter=[0, 1, 2], warmup=2),
            "B": paper(None, 10, 10, 10, enter=[1, 2], warmup=1),
            "C": paper(10, 10, 10, 10, enter=[0, 1, 2], warmup=9),
        }
    )
    assert {fill[:2] for fill in fills_of(result)} == {(3, "A"), (3, "B")}


def test_without_equity_everything_is_closed_and_the_run_is_over():
    result = play_together(
        {
            "A": paper(10, 10, 25, 5, 5, enter=[0]),
            "B": paper(10, 10, 12, None, 12, enter=[0]),
            "C": paper(10, 10, None, 8, 8, enter=[0]),
        },
        SHORTS,
        margin=0.3,
        allocation={"method": "weights", "weights": {"A": 0.2, "B": 0.1, "C": 0.1}},
    )
    sizes = {"A": 2_000 / 30, "B": 1_000 / 30, "C": 1_000 / 30}
    lost = sizes["A"] * 15 + sizes["B"] * 2
    assert lost > 1_000
    assert [fill[:2] + fill[3:] for fill in fills_of(result)[3:]] == [
        (2, "A", 25), (2, "B", 12), (2, "C", 10)
    ]  # fmt: skip
    assert result.trades["exit_reason"].tolist() == [ExitReason.RUIN] * 3
    assert result.counters["ruined"] == 1
    assert result.equity[2:].tolist() == pytest.approx([1_000 - lost] * 3)
    assert (result.cash[2:] == result.equity[2:]).all()
    assert result.positions.tolist() == [0, 3, 0, 0, 0]
    assert result.gross[2:].tolist() == [0, 0, 0]


def test_the_margin_of_the_account_liquidates_every_position():
    result = play_together(
        {
            "A": paper(10, 10, 7, 7, 7, enter=[0]),
            "B": paper(10, 10, 10, None, 9, enter=[0]),
        },
        margin=0.5,
        maintenance_margin=0.45,
        liquidate_at_end=False,
    )
    # 100 of each. At 7 and 10 the account is worth 700 and holds 1,700: below 765.
    assert fills_of(result) == [
        (1, "A", 100, 10), (1, "B", 100, 10), (3, "A", -100, 7), (4, "B", -100, 9)
    ]  # fmt: skip
    assert result.counters["liquidations"] == 2
    assert result.trades["exit_reason"].tolist() == [ExitReason.LIQUIDATION] * 2
    assert result.equity.tolist() == [1_000, 1_000, 700, 700, 600]


def test_a_position_alone_below_the_margin_is_kept_while_the_account_is_above_it():
    result = play_together(
        {"A": paper(10, 10, 7, 7, enter=[0]), "B": paper(10, 10, 14, 14, enter=[0])},
        margin=0.5,
        maintenance_margin=0.45,
        liquidate_at_end=False,
    )
    assert len(result.fills) == 2


def test_borrowed_money_is_paid_for_once_and_borrowed_shares_by_each():
    rules = {"enter": Rule(Operation.OPEN_LONG, 0, Size(SizeKind.UNITS, 150.0)),
             "short": Rule(Operation.OPEN_SHORT, 1, Size(SizeKind.UNITS, 40.0))}  # fmt: skip
    result = play_together(
        {
            "A": paper(10, 10, 10, 10, enter=[0]),
            "B": paper(10, 10, None, 10, short=[0]),
            "C": paper(10, 10, 10, 10),
        },
        rules,
        margin=0.2,
        financing_rate=0.365,
        borrow_rate=0.73,
        liquidate_at_end=False,
    )
    # 1,500 bought, 400 sold short: 100 are owed, a night costs 0.1; B's shares 0.8 a night.
    debt = [100.0, 100.1]
    interest = sum(debt) * 0.001
    assert result.counters["financing_paid"] == pytest.approx(interest)
    assert result.counters["borrow_paid"] == pytest.approx(2 * 400 * 0.002)
    assert result.cash[1:3].tolist() == pytest.approx([-100, -100.1])
    assert result.equity[-1] == pytest.approx(1_000 - interest - 1.6)
    assert result.earned.tolist() == pytest.approx([0, -1.6, 0])


def test_an_order_that_waits_survives_a_gap_and_counts_bars_of_its_own():
    from_bar = {"order": limit(9.0)["order"]}
    result = play_together(
        {"A": paper(10, None, None, (10, 10, 8, 10), enter=[0]), "B": paper(10, 8, 8, 8)},
        {"enter": Rule(Operation.OPEN_LONG, 0, **from_bar)},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(3, "A", pytest.approx(500 / 9), 9)]
