"""Costs and sizes, with numbers worked out by hand."""

from __future__ import annotations

import pytest

from core.engine.program import Size, SizeKind
from tests.engine.scenario import at_level, close, flat, long, market, percent, play, short

TEN = {"size": Size(SizeKind.UNITS, 10)}


def bought(result):
    return result.fills["quantity"][0] if len(result.fills) else 0


def test_slippage_worsens_every_market_and_stop_fill_and_spread_the_entry():
    result = play(
        flat(100, 100, 100, 100), long(0, **TEN), close(2), slippage={"bps": 10}, spread=0.002
    )
    entry, leave = result.fills
    assert entry["price"] == pytest.approx(100.3)
    assert leave["price"] == pytest.approx(99.9)
    assert (entry["reference_price"], leave["reference_price"]) == (100, 100)
    assert entry["slippage"] == pytest.approx(3)
    assert leave["slippage"] == pytest.approx(1)
    trade = result.trades[0]
    assert trade["slippage"] == pytest.approx(4)
    assert trade["pnl"] == pytest.approx(-4)
    sold = play(
        flat(100, 100, 100, 100), short(0, **TEN), close(2), slippage={"bps": 10}, spread=0.002
    )
    assert sold.fills["price"].tolist() == pytest.approx([99.7, 100.1])


def test_a_stop_loss_slips_and_a_take_profit_does_not():
    rows = [(100, 101, 99, 100)] * 2 + [(100, 106, 94, 100)]
    stop = play(
        market(rows),
        long(0, stop_loss=at_level(0), **TEN),
        levels=[[95.0] * 3],
        slippage={"bps": 100},
    )
    assert stop.fills["price"][1] == pytest.approx(95 * 0.99)
    take = play(
        market(rows),
        long(0, take_profit=at_level(0), **TEN),
        levels=[[105.0] * 3],
        slippage={"bps": 100},
    )
    assert take.fills["price"][1] == 105


@pytest.mark.parametrize(
    ("commission", "fee"),
    [
        ({"percent": 0.01}, 10.0),
        ({"per_order": 2.5}, 2.5),
        ({"per_unit": 0.25}, 2.5),
        ({"percent": 0.01, "per_order": 2.0, "per_unit": 0.1}, 13.0),
        ({"per_unit": 0.01, "minimum": 1.0}, 1.0),
        ({"percent": 0.01, "maximum": 4.0}, 4.0),
    ],
)  # fmt: skip
def test_commission_is_charged_on_each_order(commission, fee):
    result = play(flat(100, 100, 100, 100), long(0, **TEN), close(2), commission=commission)
    assert result.fills["commission"].tolist() == pytest.approx([fee, fee])
    assert result.trades[0]["commission"] == pytest.approx(2 * fee)
    assert result.trades[0]["pnl"] == pytest.approx(-2 * fee)
    assert result.equity.tolist() == pytest.approx([10_000, *[10_000 - fee] * 2, 10_000 - 2 * fee])


def test_an_order_over_several_lots_pays_one_commission_shared_by_size():
    result = play(
        flat(*[100] * 5), long(0, 1, **TEN), close(2), commission={"per_order": 4.0}, entries=2
    )
    assert result.fills["commission"].tolist() == [4, 4, 4]
    assert result.trades["commission"].tolist() == [6, 6]


def test_a_partial_exit_carries_its_share_of_the_entry_commission():
    result = play(
        flat(*[100] * 5), long(0, **TEN), close(1, fraction=0.4), commission={"per_order": 5.0}
    )
    assert result.trades["quantity"].tolist() == [4, 6]
    assert result.trades["commission"].tolist() == [5 * 0.4 + 5, 5 * 0.6 + 5]


@pytest.mark.parametrize(
    ("size", "config", "units"),
    [
        (Size(SizeKind.PERCENT_OF_EQUITY, 1.0), {}, 100),
        (Size(SizeKind.PERCENT_OF_EQUITY, 0.5), {}, 50),
        (Size(SizeKind.PERCENT_OF_EQUITY, 1.0), {"margin": 0.25}, 400),
        (Size(SizeKind.PERCENT_OF_EQUITY, 1.0), {"commission": {"percent": 0.01}}, 99),
        (Size(SizeKind.PERCENT_OF_EQUITY, 1.0), {"commission": {"per_order": 1.0}}, 99),
        (
            Size(SizeKind.PERCENT_OF_EQUITY, 1.0),
            {"commission": {"percent": 0.02, "maximum": 99.0}},
            99,
        ),
        (Size(SizeKind.PERCENT_OF_EQUITY, 1.0), {"commission": {"minimum": 101.0}}, 98),
        (Size(SizeKind.PERCENT_OF_EQUITY, 1.0), {"spread": 0.01, "slippage": {"bps": 100}}, 98),
        (Size(SizeKind.CASH, 2_550.0), {}, 25),
        (Size(SizeKind.CASH, 2_550.0), {"fractional": True}, 25.5),
        (Size(SizeKind.CASH, 2_550.0), {"lot_size": 10}, 20),
        (Size(SizeKind.CASH, 99.0), {}, 0),
        (Size(SizeKind.UNITS, 7.9), {}, 7),
        (Size(SizeKind.UNITS, 0.3), {"lot_size": 0.1}, 0.3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", [long, short])
def test_sizes_are_what_the_money_buys_with_costs_in_whole_lots(size, config, units, side):
    if side is short and "spread" in config:
        units = 102  # a short sale fills lower, so the same money sells more
    result = play(flat(100, 100, 100), side(0, size=size), **config)
    assert bought(result) == pytest.approx(units, abs=1e-12)
    if units == 0:
        assert result.counters["rejected_below_lot"] == 1


def test_a_huge_order_never_costs_more_than_there_is():
    result = play(flat(3, 3, 3), long(0), cash=1e15)
    assert result.trades[0]["quantity"] == 333_333_333_333_333
    assert result.cash[1] == 1.0


def test_risk_sizing_loses_the_fraction_of_equity_at_the_stop():
    risk = Size(SizeKind.RISK_PERCENT, 0.01)
    bars = market([(100, 101, 99, 100), (100, 101, 99, 100), (100, 100, 90, 92)])
    result = play(bars, long(0, size=risk, stop_loss=percent(0.05)))
    assert bought(result) == 20  # 100 of 10,000 over 5 a unit
    assert result.equity[-1] == 9_900


def test_risk_sizing_is_rejected_when_the_entry_gaps_past_its_stop():
    risk = Size(SizeKind.RISK_PERCENT, 0.01)
    result = play(flat(100, 94, 94), long(0, size=risk, stop_loss=at_level(0)), levels=[[95.0] * 3])
    assert len(result.fills) == 0
    assert result.counters["rejected_below_lot"] == 1


def test_adding_is_limited_by_what_the_position_ties_up():
    half = Size(SizeKind.PERCENT_OF_EQUITY, 0.5)
    result = play(flat(100, 100, 100, 100, 100), long(0, 1, 2, size=half), entries=3)
    assert result.position.tolist() == [0, 50, 100, 100, 0]
    assert result.counters["rejected_unaffordable"] == 1


def test_a_reversal_is_sized_after_the_exit():
    result = play(flat(100, 100, 100, 150, 150), long(0), short(2))
    assert result.position.tolist() == [0, 100, 100, -100, 0]  # 15,000 at 150
