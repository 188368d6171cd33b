from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.bars import Bars
from core.errors import Conflict, InvalidInput
from market.files.parquet import history_bytes, history_parse
from market.history import History, history_merge

DAY = 86_400 * 10**9


def history(first: int, count: int, *, factor: float = 1.0, scale: float = 1.0) -> History:
    close = (100.0 + np.arange(first, first + count)) * scale
    bars = Bars.from_arrays(
        ts=np.arange(first, first + count, dtype=np.int64) * DAY,
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.full(count, 10.0),
    )
    return History.from_bars(bars, factor=np.full(count, factor))


def test_adjusted_prices_are_raw_prices_times_the_factor_and_volume_over_the_split():
    bars = Bars.from_arrays(
        ts=[0, DAY], open=[100, 51], high=[110, 52], low=[90, 49], close=[104, 50], volume=[7, 20]
    )
    # A 2-for-1 split after the first day, and a dividend of 1% with it.
    adjusted = History.from_bars(bars, factor=[0.495, 1.0], split=[0.5, 1.0]).adjusted()
    assert adjusted.close.tolist() == pytest.approx([51.48, 50])
    assert adjusted.high.tolist() == pytest.approx([54.45, 52])
    assert adjusted.volume.tolist() == [14, 20]
    assert bars.close.tolist() == [104, 50]


def test_the_hash_tells_every_change_and_nothing_else():
    one = history(0, 5)
    assert one.content_hash() == history(0, 5).content_hash()
    others = [history(0, 4), history(1, 5), history(0, 5, factor=0.5), history(0, 5, scale=1.01)]
    assert len({one.content_hash(), *(other.content_hash() for other in others)}) == 5


@pytest.mark.parametrize("factor", [0.0, -1.0, np.nan, np.inf])
def test_a_factor_that_cannot_be_is_refused_with_its_row(factor):
    with pytest.raises(InvalidInput) as caught:
        History.from_bars(history(0, 3).bars, factor=[1.0, factor, 1.0])
    assert caught.value.details[0].path == "bars[1].factor"


def test_new_bars_replace_old_ones_in_the_range_that_they_cover():
    old, new = history(0, 6), history(4, 4, scale=1.001)
    merged = history_merge(old, new)
    assert merged.bars.ts.tolist() == [day * DAY for day in range(8)]
    assert merged.bars.close[3] == 103.0
    assert merged.bars.close[4] == pytest.approx(104.104)
    earlier = history_merge(new, history(0, 5))
    assert earlier.bars.close[4] == 104.0
    assert len(earlier) == 8


def test_a_bar_that_the_provider_took_back_is_gone():
    new = history(0, 5).take(np.array([True, True, False, True, True]))
    assert (history_merge(history(0, 5), new).bars.ts // DAY).tolist() == [0, 1, 3, 4]


def test_a_later_dividend_scales_the_factors_of_all_bars_before_it():
    merged = history_merge(history(0, 5, factor=0.9), history(4, 3, factor=0.99 * 0.9))
    assert merged.factor == pytest.approx([0.891] * 7)


def test_prices_that_were_restated_by_a_split_are_refused():
    with pytest.raises(Conflict, match=r"0\.5 times"):
        history_merge(history(0, 5), history(3, 5, scale=0.5))


prices = st.floats(0.01, 1e6)


@given(st.lists(st.tuples(prices, prices, st.floats(1e-4, 10)), min_size=1, max_size=30))
def test_adjusting_keeps_bars_valid_and_files_keep_every_bit(rows):
    low = np.array([min(a, b) for a, b, _ in rows])
    high = np.array([max(a, b) for a, b, _ in rows])
    raw = Bars.from_arrays(
        ts=np.arange(len(rows)) * DAY, open=low, high=high, low=low, close=high, volume=low
    )
    one = History.from_bars(raw, factor=[factor for *_, factor in rows])
    adjusted = one.adjusted()
    Bars.from_arrays(
        **{
            name: getattr(adjusted, name)
            for name in ("ts", "open", "high", "low", "close", "volume")
        }
    )
    assert history_parse(history_bytes(one), name="x").content_hash() == one.content_hash()


def test_merging_gives_the_same_bars_in_whatever_pieces_they_come():
    whole = history(0, 10)
    pieces = [history(0, 4), history(3, 4), history(6, 4)]
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)):
        merged = pieces[order[0]]
        for at in order[1:]:
            merged = history_merge(merged, pieces[at])
        assert merged.content_hash() == whole.content_hash()
