"""The split of a session's difference, by hand and for any fills."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.deployments.drift import Side, TradedFill, drift_split, fills_join
from core.engine.result import ExitReason

SIGNAL = int(ExitReason.SIGNAL)


def fill(**changes):
    given = {
        "bar_ts": 5,
        "rule": 0,
        "reason": SIGNAL,
        "side": 1,
        "quantity": 10.0,
        "price": 100.0,
        "commission": 1.0,
    }
    return TradedFill(**(given | changes))


def split(live, backtest, *, live_position=0.0, position=0.0):
    return drift_split(
        Side(live_position, tuple(live)), Side(position, tuple(backtest)), start=99.0, end=110.0
    )


def test_the_same_fills_drift_by_nothing():
    assert split([fill()], [fill()]).total == 0.0


def test_a_worse_price_in_the_same_bar_is_slippage():
    found = split([fill(price=100.5)], [fill()])
    assert (found.slippage, found.timing, found.signal, found.fees) == (-5.0, 0.0, 0.0, 0.0)


def test_another_bar_is_timing():
    found = split([fill(price=101.0, bar_ts=6)], [fill()])
    assert (found.slippage, found.timing) == (0.0, -10.0)


def test_another_size_is_timing():
    # two units less, each of which won 10
    assert split([fill(quantity=8.0)], [fill()]).timing == -20.0


def test_a_fill_that_is_missing_is_signal_and_its_commission_fees():
    found = split([], [fill()])
    assert (found.signal, found.fees) == (-100.0, 1.0)


def test_an_order_that_is_filled_in_parts_is_one_fill():
    parts = [
        ("order", fill(quantity=4.0, price=100.0, commission=0.5)),
        ("other", fill(side=-1)),
        ("order", fill(quantity=6.0, price=101.0, bar_ts=6, commission=0.5)),
    ]
    first, second = fills_join(parts)
    assert (first.bar_ts, first.quantity, first.commission) == (5, 10.0, 1.0)
    assert first.price == pytest.approx(100.6)
    assert second == fill(side=-1)
    found = split([first], [fill()])
    assert (found.slippage, found.timing, found.signal) == (pytest.approx(-6.0), 0.0, 0.0)


def test_a_position_held_by_one_side_only_is_signal():
    assert split([], [], live_position=3.0).signal == 33.0


def test_a_trailing_stop_is_a_stop_that_was_moved():
    live = fill(reason=int(ExitReason.STOP_LOSS), side=-1)
    engine = fill(reason=int(ExitReason.TRAILING_STOP), side=-1, price=100.5)
    assert split([live], [engine], live_position=10, position=10).slippage == -5.0


numbers = st.floats(1, 1000).map(lambda value: round(value, 2))
fills = st.lists(
    st.builds(
        fill,
        bar_ts=st.integers(1, 3),
        rule=st.integers(0, 1),
        side=st.sampled_from([-1, 1]),
        quantity=numbers,
        price=numbers,
        commission=st.floats(0, 5),
    ),
    max_size=6,
)


@given(fills, fills, st.floats(-100, 100), st.floats(-100, 100), numbers, numbers)
def test_the_parts_add_up_to_the_difference(ours, theirs, held, expected, start, end):
    live, backtest = Side(held, tuple(ours)), Side(expected, tuple(theirs))
    difference = live.profit(start, end) - backtest.profit(start, end)
    found = drift_split(live, backtest, start=start, end=end)
    assert found.total == pytest.approx(difference, abs=1e-4)
