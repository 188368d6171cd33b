"""Splits and dividends of what is held, with numbers worked out by hand, and what must hold."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.actions import Actions
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import (
    Size,
    SizeKind,
)
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from core.errors import InvalidInput
from tests.engine.order_scenario import limit, stop, trailing
from tests.engine.scenario import (
    at_level,
    build,
    close,
    flat,
    long,
    market,
    percent,
    short,
    times_level,
)

TEN = {"size": Size(SizeKind.UNITS, 10)}
ALL = {"size": Size(SizeKind.PERCENT_OF_EQUITY, 1.0)}


def happening(count, splits=None, dividends=None):
    """Actions by bar."""
    found = Actions(np.ones(count), np.zeros(count))
    for bar, ratio in (splits or {}).items():
        found.splits[bar] = ratio
    for bar, cash in (dividends or {}).items():
        found.dividends[bar] = cash
    return found


def play(bars, *signals, splits=None, dividends=None, levels=(), entries=1, **config):
    columns, program = build(len(bars), signals, levels, entries=entries)
    actions = happening(len(bars), splits, dividends)
    return simulate(bars, columns, program, RunConfig.from_mapping(config), actions=actions)


def test_a_split_leaves_the_account_as_it_was():
    result = play(flat(100, 100, 50, 60, 60), long(0, **TEN), close(3), splits={2: 2.0})
    assert result.position.tolist() == [0, 10, 20, 20, 0]
    assert result.equity.tolist() == [10_000, 10_000, 10_000, 10_200, 10_200]
    assert result.cash.tolist() == [10_000, 9_000, 9_000, 9_000, 10_200]
    (trade,) = result.trades
    # Told in the units of the exit: 20 bought at 50.
    assert (trade["quantity"], trade["entry_price"], trade["exit_price"]) == (20, 50, 60)
    assert trade["pnl"] == 200
    assert trade["return"] == pytest.approx(0.2)
    # The fills are in the units of their days.
    assert result.fills["quantity"].tolist() == [10, 20]
    assert result.fills["price"].tolist() == [100, 60]
    assert result.counters["splits"] == 1


def test_a_reverse_split_of_a_short_position():
    result = play(flat(10, 10, 100, 90), short(0, **TEN), splits={2: 0.1})
    assert result.position.tolist() == [0, -10, -1, 0]
    assert result.equity.tolist() == [10_000, 10_000, 10_000, 10_010]
    assert result.trades["pnl"].tolist() == [10]


def test_fractions_are_paid_in_cash_at_the_open():
    # 15 units by 3 for 2 are 22.5: half a unit is paid at 72.
    result = play(flat(100, 100, 72, 80), long(0, size=Size(SizeKind.UNITS, 15)), splits={2: 1.5})
    assert result.position.tolist() == [0, 15, 22, 0]
    (_, cash, _) = result.fills
    assert (cash["bar"], cash["side"], cash["quantity"], cash["price"]) == (2, -1, 0.5, 72)
    assert (cash["reason"], cash["rule"], cash["commission"]) == (ExitReason.SPLIT, -1, 0)
    entry = 100 / 1.5
    assert result.trades["pnl"].tolist() == pytest.approx([0.5 * (72 - entry), 22 * (80 - entry)])
    assert result.trades["exit_reason"].tolist() == [ExitReason.SPLIT, ExitReason.END]
    whole = play(
        flat(100, 100, 72, 80),
        long(0, size=Size(SizeKind.UNITS, 15)),
        splits={2: 1.5},
        fractional=True,
    )
    assert whole.position[2] == 22.5
    assert len(whole.fills) == 2
    assert whole.equity.tolist() == pytest.approx([*result.equity.tolist()[:3], 10_300])


def test_cash_for_a_fraction_costs_no_commission():
    result = play(
        flat(100, 100, 72, 80),
        long(0, size=Size(SizeKind.UNITS, 15)),
        splits={2: 1.5},
        commission={"percent": 0.01},
    )
    assert result.fills["commission"].tolist() == pytest.approx([15, 0, 17.6])


def test_a_position_that_comes_to_less_than_a_unit_is_paid_whole():
    result = play(flat(1, 1, 30, 30), long(0, **TEN), close(2), splits={2: 1 / 30})
    assert result.position.tolist() == [0, 10, 0, 0]
    assert result.trades["exit_reason"].tolist() == [ExitReason.SPLIT]
    assert result.trades["pnl"].tolist() == pytest.approx([0.0])
    assert result.equity.tolist() == pytest.approx([10_000] * 4)


def test_a_rounding_is_no_fraction():
    result = play(flat(1, 1, 49, 49), long(0, size=Size(SizeKind.UNITS, 49)), splits={2: 1 / 49})
    assert 49 * (1 / 49) != 1
    assert result.position.tolist() == [0, 49, 1, 0]
    assert len(result.fills) == 2
    above = play(flat(22, 22, 10, 10), long(0, size=Size(SizeKind.UNITS, 25)), splits={2: 2.2})
    assert 25 * 2.2 > 55
    assert above.position.tolist() == [0, 25, 55, 0]
    assert len(above.fills) == 2


def test_each_entry_has_its_own_fraction():
    result = play(
        flat(10, 10, 10, 20 / 3, 20 / 3),
        long(0, 1, size=Size(SizeKind.UNITS, 5)),
        splits={3: 1.5},
        entries=2,
    )
    assert result.position.tolist() == [0, 5, 10, 14, 0]
    assert result.trades["quantity"].tolist() == [0.5, 0.5, 7, 7]


def test_guards_split_with_the_position():
    rows = [(100, 100, 100, 100)] * 2 + [(50, 53, 49, 50), (50, 56, 50, 55), (50, 50, 50, 50)]
    guards = {"stop_loss": percent(0.1), "take_profit": percent(0.1)}
    result = play(market(rows), long(0, **TEN, **guards), splits={2: 2.0})
    # Bought at 100 with a stop at 90 and a target at 110: 45 and 55 now.
    assert result.trades["exit_price"].tolist() == pytest.approx([55])
    assert result.trades["exit_bar"].tolist() == [3]
    assert result.trades["mae"].tolist() == pytest.approx([-0.02])
    assert result.trades["mfe"].tolist() == pytest.approx([0.1])


def test_trailing_stops_split_with_the_position():
    rows = [(100, 100, 100, 100), (100, 120, 100, 120), (60, 60, 58, 59), (59, 59, 50, 50)]
    by_share = play(market(rows), long(0, **TEN, trailing=percent(0.1)), splits={2: 2.0})
    assert by_share.trades["exit_price"].tolist() == [54]
    by_distance = play(
        market(rows), long(0, **TEN, trailing=times_level(2, 0)), levels=[[5.0] * 4],
        splits={2: 2.0},
    )  # fmt: skip
    # 10 behind the best price of 120, then 5 behind 60.
    assert by_distance.trades["exit_price"].tolist() == [55]


def test_a_stop_that_follows_a_series_is_read_in_the_units_of_its_close():
    rows = [(100, 100, 100, 100)] * 2 + [(50, 50, 48, 49), (49, 49, 44, 44)]
    levels = [[90.0, 96.0, 46.0, 46.0]]
    result = play(
        market(rows), long(0, **TEN, trailing=at_level(0)), levels=levels, splits={2: 2.0}
    )
    # 96 at the close before the split is 48.
    assert result.trades["exit_bar"].tolist() == [2]
    assert result.trades["exit_price"].tolist() == [48]


def test_orders_that_wait_split_too():
    rows = [(100, 100, 100, 100)] * 2 + [(50, 50, 48, 50), (50, 50, 44, 45)]
    bought = play(market(rows), long(0, **TEN, **limit(90), stop_loss=percent(0.02)),
                  splits={2: 2.0})  # fmt: skip
    assert bought.fills["price"].tolist()[0] == 45
    assert bought.fills["bar"].tolist()[0] == 3
    chased = play(market(rows), long(0, **TEN, **trailing(0.05)), splits={2: 2.0})
    # 5 % above 100, which is 52.5 now, then above the low of 48: 50.4.
    assert len(chased.fills) == 0
    sold = play(market(rows), long(0, **TEN), close(1, **stop(98)), splits={2: 2.0})
    assert sold.trades["exit_price"].tolist() == [49]
    assert sold.trades["quantity"].tolist() == [20]


def test_an_order_for_the_open_of_the_split_is_guarded_in_its_units():
    rows = [(100, 100, 100, 100), (50, 50, 44, 44), (44, 44, 44, 44)]
    result = play(
        market(rows), long(0, **TEN, stop_loss=at_level(0)), levels=[[92.0, 0, 0]],
        splits={1: 2.0},
    )  # fmt: skip
    assert result.fills["quantity"].tolist() == [10, 10]
    assert result.trades["exit_price"].tolist() == [46]


def test_prices_are_ticks_again_after_a_split():
    rows = [(100, 100, 100, 100)] * 2 + [(40, 40, 36, 36)]
    result = play(
        market(rows), long(0, **TEN, stop_loss=percent(0.07)), splits={2: 2.5}, tick_size=0.5
    )
    # 93 / 2.5 is 37.2; a stop that sells is rounded down.
    assert result.trades["exit_price"].tolist() == [37]


def test_what_volume_left_of_an_exit_splits_too():
    bars = flat(100, 100, 100, 50, 50, 50)
    bars = Bars(bars.ts, bars.open, bars.high, bars.low, bars.close, np.full(6, 100.0))
    result = play(bars, long(0, **TEN), close(1), splits={3: 2.0}, participation=0.07)
    assert result.fills["quantity"].tolist() == [7, 7]
    slower = play(bars, long(0, **TEN), close(1), splits={3: 2.0}, participation=0.05)
    assert slower.position.tolist() == [0, 5, 0, 0, 0, 0]
    held = Bars(*(getattr(bars, name) for name in ("ts", "open", "high", "low", "close")),
                np.array([100.0, 200, 50, 100, 100, 100]))  # fmt: skip
    result = play(held, long(0, **TEN), close(1), splits={3: 2.0}, participation=0.1)
    # 10 units: 5 sold before the split; the other 5 are 10 after it.
    assert result.fills["quantity"].tolist() == [10, 5, 10]


def test_a_dividend_is_paid_to_who_held_at_the_close_before():
    bars = flat(100, 100, 98, 98, 98)
    result = play(bars, long(0, **TEN), dividends={2: 2.0})
    assert result.equity.tolist() == [10_000] * 5
    assert result.cash.tolist()[:3] == [10_000, 9_000, 9_020]
    assert result.counters["dividends_received"] == 20
    assert result.trades["pnl"].tolist() == [-20]
    assert "Dividends of 20.00 came in" in " ".join(result.warnings)
    bought_that_day = play(bars, long(1, **TEN), dividends={2: 2.0})
    assert bought_that_day.counters["dividends_received"] == 0
    sold_that_day = play(bars, long(0, **TEN), close(1), dividends={2: 2.0})
    assert sold_that_day.counters["dividends_received"] == 20
    assert sold_that_day.equity[-1] == 10_000


def test_a_short_position_owes_the_dividend():
    result = play(flat(100, 100, 98), short(0, **TEN), dividends={2: 2.0})
    assert result.equity.tolist() == [10_000] * 3
    assert result.counters["dividends_paid"] == 20
    assert "Dividends of 20.00 were owed" in " ".join(result.warnings)


def test_a_dividend_on_the_day_of_a_split_is_for_a_unit_after_it():
    result = play(flat(100, 100, 49, 49), long(0, **TEN), splits={2: 2.0}, dividends={2: 1.0})
    assert result.equity.tolist() == [10_000] * 4
    assert result.counters["dividends_received"] == 20


def test_the_total_return_of_a_share_with_its_dividends():
    # 100 units at 100; 3 a unit, then 2 for 1, then 1 a unit; sold at 52 after the split.
    bars = flat(100, 100, 98, 104, 52, 51, 52)
    result = play(bars, long(0, **ALL), splits={4: 2.0}, dividends={2: 3.0, 5: 1.0})
    assert result.counters["dividends_received"] == 300 + 200
    assert result.equity[-1] == 200 * 52 + 500
    assert result.equity[-1] / 10_000 - 1 == pytest.approx(0.09)


def test_an_order_that_filled_at_the_close_before_is_in_its_units_and_has_the_dividend():
    options = {"trade_on_close": True}
    result = play(flat(100, 50, 50), long(0, **TEN), splits={1: 2.0}, dividends={1: 1.0}, **options)
    assert result.position.tolist() == [10, 20, 0]
    assert result.fills["price"].tolist() == [100, 50]
    assert result.counters["dividends_received"] == 20
    assert result.equity.tolist() == [10_000, 10_020, 10_020]
    sold = play(flat(100, 100, 50, 50), long(0, **TEN), close(1), splits={2: 2.0}, **options)
    assert sold.fills["price"].tolist() == [100, 100]
    assert sold.fills["quantity"].tolist() == [10, 10]


def test_what_volume_left_at_the_close_before_does_not_fill_there_after_the_split():
    bars = flat(100, 100, 50, 50, 50)
    bars = Bars(bars.ts, bars.open, bars.high, bars.low, bars.close,
                np.array([100.0, 41, 100, 100, 100]))  # fmt: skip
    result = play(bars, long(0, **TEN), close(1), splits={2: 2.0}, trade_on_close=True,
                  participation=0.1)  # fmt: skip
    # 4 of 10 at the close of bar 1; the 6 that are left are 12 units, 10 of them a day.
    assert result.fills["quantity"].tolist() == [10, 4, 10, 2]
    assert result.fills["price"].tolist() == [100, 100, 50, 50]
    assert result.equity.tolist() == [10_000] * 5


def test_a_position_is_liquidated_in_the_units_of_the_open():
    twice = {"margin": 0.5, "maintenance_margin": 0.4}
    for on_close in (False, True):
        result = play(
            flat(100, 100, 80, 40, 40),
            long(0, **ALL),
            splits={3: 2.0},
            trade_on_close=on_close,
            **twice,
        )
        assert result.counters["liquidations"] == 1
        assert result.fills["quantity"].tolist() == [200, 400]
        assert result.equity[-1] == 6_000


def test_dividends_may_end_a_run():
    result = play(flat(100, 100, 100, 100), short(0, **ALL), dividends={2: 100.0}, margin=0.9)
    assert result.counters["ruined"] == 1
    assert result.equity[-1] == pytest.approx(10_000 - 111 * 100)


def test_what_happens_before_anything_is_held_changes_nothing():
    bars = flat(100, 50, 50, 60)
    plain = play(bars, long(1, **TEN))
    split = play(bars, long(1, **TEN), splits={0: 3.0, 1: 2.0}, dividends={1: 5.0})
    assert split.equity.tolist() == plain.equity.tolist()
    assert split.counters == plain.counters


@pytest.mark.parametrize(
    ("splits", "dividends", "words"),
    [
        ({1: 0.0}, None, r"splits\[1\] is 0.0, not a finite number above 0"),
        ({1: float("inf")}, None, "splits"),
        ({0: float("nan")}, None, r"splits\[0\]"),
        (None, {1: -0.1}, r"dividends\[1\] is -0.1, not a finite number 0 or more"),
        (None, {1: float("nan")}, "dividends"),
    ],
)
def test_numbers_that_cannot_be_are_refused(splits, dividends, words):
    with pytest.raises(InvalidInput, match=words):
        play(flat(1, 1), long(0), splits=splits, dividends=dividends)


def test_actions_of_other_bars_are_refused():
    columns, program = build(2, [long(0)])
    with pytest.raises(InvalidInput, match="one number a bar"):
        simulate(flat(1, 1), columns, program, RunConfig(), actions=happening(3))
    with pytest.raises(InvalidInput, match="reference profile"):
        play(flat(1, 1), long(0), profile="reference")
