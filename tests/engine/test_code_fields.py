"""What the code reads of the account, bar by bar, with numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.engine.program import AccountField, Operation, Rule, Size, SizeKind, Stop, StopKind
from tests.engine.code_scenario import program_of, registers
from tests.engine.scenario import flat, market

NAN, INF = np.nan, np.inf
TEN = Size(SizeKind.UNITS, 10.0)
ROWS = [
    (100, 101, 99, 100),
    (100, 104, 98, 102),  # ten units at 100
    (102, 106, 101, 105),
    (105, 107, 95, 96),
    (97, 98, 96, 97),  # sold at 97
    (97, 99, 90, 91),
]


def fields(
    bars: Any, rules: tuple[Rule, ...], columns: Any, config: Any = None, **options: Any
) -> dict[AccountField, list[float]]:
    steps = [part for field in AccountField for part in (field.name, f"store {field.value}")]
    program = program_of(
        *steps, columns=len(columns), rules=rules, registers=len(AccountField), **options
    )
    return dict(zip(AccountField, registers(bars, columns, program, config), strict=True))


def at(count: int, *bars: int) -> Any:
    truths = np.zeros(count, np.bool_)
    truths[list(bars)] = True
    return truths


EXPECTED = {
    AccountField.SIDE: [0, 1, 1, 1, 0, 0],
    AccountField.QUANTITY: [0, 10, 10, 10, 0, 0],
    AccountField.ENTRY_PRICE: [NAN, 100, 100, 100, NAN, NAN],
    AccountField.UNREALIZED_PNL: [0, 20, 50, -40, 0, 0],
    AccountField.UNREALIZED_PNL_PCT: [0, 2, 5, -4, 0, 0],
    AccountField.BARS_HELD: [NAN, 0, 1, 2, NAN, NAN],
    AccountField.BARS_SINCE_EXIT: [INF, INF, INF, INF, 0, 1],
    AccountField.MAX_FAVORABLE_PCT: [NAN, 4, 6, 7, NAN, NAN],
    AccountField.MAX_ADVERSE_PCT: [NAN, -2, -2, -5, NAN, NAN],
    AccountField.EQUITY: [10_000, 10_019, 10_049, 9_959, 9_968, 9_968],
    AccountField.CASH: [10_000, 8_999, 8_999, 8_999, 9_968, 9_968],
    AccountField.DRAWDOWN: [0, 0, 0, 9_959 / 10_049 - 1, 9_968 / 10_049 - 1, 9_968 / 10_049 - 1],
    AccountField.CLOSED_TRADES: [0, 0, 0, 0, 1, 1],
    AccountField.LAST_TRADE_PNL: [NAN, NAN, NAN, NAN, -32, -32],
    AccountField.ENTRIES: [0, 1, 1, 1, 0, 0],
}


@pytest.mark.parametrize("field", list(AccountField), ids=lambda field: field.name.lower())
def test_every_field_of_a_long_trade(field: AccountField) -> None:
    rules = (Rule(Operation.OPEN_LONG, 0, TEN), Rule(Operation.CLOSE, 1))
    columns = [at(6, 0), at(6, 3)]
    found = fields(market(ROWS), rules, columns, {"commission": {"per_order": 1.0}})
    np.testing.assert_allclose(found[field], EXPECTED[field], rtol=1e-13)


def test_a_short_position_is_the_mirror_of_a_long_one() -> None:
    rules = (Rule(Operation.OPEN_SHORT, 0, TEN),)
    mirrored = [(200 - o, 200 - low, 200 - h, 200 - c) for o, h, low, c in ROWS[:4]]
    found = fields(market(mirrored), rules, [at(4, 0)])
    assert found[AccountField.SIDE].tolist() == [0, -1, -1, -1]
    assert found[AccountField.QUANTITY].tolist() == [0, 10, 10, 10]
    for field in (
        AccountField.ENTRY_PRICE, AccountField.UNREALIZED_PNL, AccountField.UNREALIZED_PNL_PCT,
        AccountField.MAX_FAVORABLE_PCT, AccountField.MAX_ADVERSE_PCT,
    ):  # fmt: skip
        np.testing.assert_allclose(found[field], EXPECTED[field][:4], err_msg=field.name)
    assert found[AccountField.CASH].tolist() == [10_000, 11_000, 11_000, 11_000]


def test_several_entries_are_averaged_and_the_oldest_tells_the_time() -> None:
    rules = (Rule(Operation.OPEN_LONG, 0, TEN), Rule(Operation.CLOSE, 1, fraction=0.5))
    bars = flat(100, 100, 110, 120, 120, 115)
    found = fields(bars, rules, [at(6, 0, 1), at(6, 3)], max_open_entries=2)
    expected = {
        AccountField.ENTRIES: [0, 1, 2, 2, 1, 1],
        AccountField.ENTRY_PRICE: [NAN, 100, 105, 105, 110, 110],
        AccountField.UNREALIZED_PNL: [0, 0, 100, 300, 100, 50],
        AccountField.UNREALIZED_PNL_PCT: [0, 0, 100 / 21, 300 / 21, 100 / 11, 50 / 11],
        AccountField.BARS_HELD: [NAN, 0, 1, 2, 2, 3],  # the second entry is left, of bar 2
        AccountField.MAX_FAVORABLE_PCT: [NAN, 0, 100 / 21, 300 / 21, 100 / 11, 100 / 11],
        AccountField.MAX_ADVERSE_PCT: [NAN, 0, -100 / 21, -100 / 21, 0, 0],
        AccountField.BARS_SINCE_EXIT: [INF] * 6,  # a part is not the whole
        AccountField.CLOSED_TRADES: [0, 0, 0, 0, 1, 1],
        AccountField.LAST_TRADE_PNL: [NAN, NAN, NAN, NAN, 200, 200],
    }
    for field, values in expected.items():
        np.testing.assert_allclose(found[field], values, rtol=1e-13, err_msg=field.name)


def test_an_average_beyond_the_best_price_is_no_gain_turned_round() -> None:
    # Ten units at 102 and fifty at 112.2 cost 110.5 on average; the price never was above 110.
    rules = (
        Rule(Operation.OPEN_LONG, 0, TEN, max_entries=2),
        Rule(Operation.OPEN_LONG, 1, Size(SizeKind.UNITS, 50.0), max_entries=2),
    )
    bars = flat(100, 100, 110, 110)
    found = fields(bars, rules, [at(4, 0), at(4, 1)], {"spread": 0.02})
    assert found[AccountField.MAX_FAVORABLE_PCT].tolist()[2:] == [0, 0]
    assert found[AccountField.MAX_ADVERSE_PCT][2] == pytest.approx((100 / 110.5 - 1) * 100)


def test_the_price_of_one_entry_is_its_very_own_whatever_rounding_does_to_sums() -> None:
    rules = (Rule(Operation.OPEN_LONG, 0, Size(SizeKind.UNITS, 13.0)),)
    price = 10.1
    assert price * 13.0 / 13.0 != price
    found = fields(flat(price, price, price), rules, [at(3, 0)])
    assert found[AccountField.ENTRY_PRICE].tolist()[1:] == [price, price]


def test_a_reversal_is_an_exit_and_a_guard_in_the_bar_of_the_entry_too() -> None:
    rules = (
        Rule(Operation.OPEN_LONG, 0, TEN),
        Rule(Operation.OPEN_SHORT, 1, TEN, stop_loss=Stop(StopKind.PERCENT, 0.05)),
    )
    bars = market([(100, 100, 100, 100)] * 4 + [(100, 106, 100, 100), (100, 100, 100, 100)])
    found = fields(bars, rules, [at(6, 0), at(6, 1, 3)])
    assert found[AccountField.SIDE].tolist() == [0, 1, -1, -1, 0, 0]
    assert found[AccountField.BARS_HELD].tolist()[:4] == pytest.approx([NAN, 0, 0, 1], nan_ok=True)
    assert found[AccountField.BARS_SINCE_EXIT].tolist() == [INF, INF, 0, 1, 0, 1]
    assert found[AccountField.CLOSED_TRADES].tolist() == [0, 0, 1, 1, 2, 2]
    assert found[AccountField.LAST_TRADE_PNL].tolist()[2:] == [0, 0, -50, -50]


def test_the_drawdown_counts_from_the_highest_close_though_costs_come_first() -> None:
    rules = (Rule(Operation.OPEN_LONG, 0, TEN),)
    config = {"commission": {"per_order": 100.0}}
    found = fields(flat(100, 100, 120, 105), rules, [at(4, 0)], config)
    expected = [0, 9_900 / 10_000 - 1, 0, 9_950 / 10_100 - 1]
    np.testing.assert_allclose(found[AccountField.DRAWDOWN], expected, rtol=1e-13)


def test_an_order_on_the_close_belongs_to_the_bar_of_the_decision() -> None:
    rules = (Rule(Operation.OPEN_LONG, 0, TEN), Rule(Operation.CLOSE, 1))
    found = fields(market(ROWS), rules, [at(6, 0), at(6, 3)], {"trade_on_close": True})
    np.testing.assert_array_equal(found[AccountField.BARS_HELD], [NAN, 1, 2, 3, NAN, NAN])
    np.testing.assert_array_equal(found[AccountField.BARS_SINCE_EXIT], [INF] * 4 + [1, 2])
