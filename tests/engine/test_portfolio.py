"""Instruments that share an account, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.portfolio import Listed, simulate_portfolio
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
from core.engine.result import ExitReason
from core.errors import InvalidInput
from tests.engine.order_scenario import limit
from tests.engine.portfolio_scenario import RULES, fills_of, paper, play_together

HALF = Size(SizeKind.PERCENT_OF_EQUITY, 0.5)
SHORTS = {"enter": Rule(Operation.OPEN_SHORT, 0), "leave": Rule(Operation.CLOSE, 1)}


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


def test_an_order_that_waits_survives_a_gap_and_counts_bars_of_its_own():
    from_bar = {"order": limit(9.0)["order"]}
    result = play_together(
        {"A": paper(10, None, None, (10, 10, 8, 10), enter=[0]), "B": paper(10, 8, 8, 8)},
        {"enter": Rule(Operation.OPEN_LONG, 0, **from_bar)},
        liquidate_at_end=False,
    )
    assert fills_of(result) == [(3, "A", pytest.approx(500 / 9), 9)]


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
        ({"allocation": {"method": "weights", "weights": {"A": 1.0}}}, "weights.B"),
        (
            {"allocation": {"method": "weights", "weights": {"A": 0.6, "B": 0.6}}},
            "weights",
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
