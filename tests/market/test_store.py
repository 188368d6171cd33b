"""The bar store: what is read, what is kept, and what two writers do to each other."""

from __future__ import annotations

import io
import os
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.engine.bars import Bars
from core.errors import Conflict, InvalidInput, Permanent
from market import store
from market.archive import history_store
from market.cache import BarCache
from market.files import atomic
from market.files.dated import files_of
from market.files.location import location_of
from market.intervals import interval_get
from market.models import BarSeries, BarSnapshot, Instrument
from market.selectors import instrument_get, price_latest
from market.store import bars_read
from tests.market.conftest import DAY, MONDAY, days

DAILY = interval_get("1d")
HOURLY = interval_get("1h")


def keep(instrument, history, *, interval=DAILY, provider="sample", **kwargs) -> BarSeries:
    return history_store(
        instrument=instrument, interval=interval, provider=provider, history=history, **kwargs
    )


def test_bars_come_back_as_they_were_stored_raw_or_adjusted(goog, make_history):
    series = keep(goog, make_history(5, factor=[0.5] * 5))
    raw = bars_read(symbol="goog", interval="1 day", adjusted=False)
    assert raw.bars.close.tolist() == [100, 101, 102, 103, 104]
    adjusted = bars_read(symbol="GOOG", interval="1d")
    assert adjusted.bars.close.tolist() == [50, 50.5, 51, 51.5, 52]
    assert adjusted.snapshot == raw.snapshot == series.content_hash
    assert (adjusted.instrument_symbol, adjusted.interval, adjusted.adjusted) == (
        "GOOG",
        "1d",
        True,
    )
    assert adjusted.instrument == goog


def test_the_catalogue_says_what_the_file_holds(goog, make_history, bars_dir):
    series = keep(goog, make_history(3))
    assert (series.rows, series.adjusted, series.last_close) == (3, False, 102.0)
    assert series.first_ts == datetime(2024, 1, 1, tzinfo=UTC)
    assert series.last_ts == datetime(2024, 1, 3, tzinfo=UTC)
    files = [path for path in bars_dir.rglob("*") if path.is_file()]
    assert [str(path.relative_to(bars_dir)) for path in files] == [series.path]
    assert series.path == f"GOOG/1d/{series.content_hash}.parquet"


def minutes(make_history, first: str, count: int, *, step_s: int = 60, **kwargs):
    start = int(np.datetime64(first, "ns").astype(np.int64))
    return make_history(count, first=start, step=step_s * 10**9, **kwargs)


def hours(make_history, first: str, count: int, **kwargs):
    return minutes(make_history, first, count, step_s=3600, **kwargs)


def dated(folder) -> dict[str, int]:
    """Return the dates of files, and when each was written."""
    files = folder.glob("20*.parquet")
    return {path.name.rpartition("-")[0]: path.stat().st_mtime_ns for path in files}


def test_only_the_running_day_of_minutes_is_written_anew(goog, make_history, bars_dir):
    folder = bars_dir / "GOOG" / "1m"
    days = ["2023-12-15", "2023-12-31", "2024-01-16", "2024-02-01", "2024-02-17", "2024-03-03"]
    for day in days:
        keep(goog, minutes(make_history, f"{day}T12:00", 2), interval=interval_get("1m"))
    before = dated(folder)
    assert {"2023", "2024-01", "2024-02", "2024-03-03"} <= set(before)
    later = minutes(make_history, "2024-03-03T12:02", 1, price=102.0)
    stored = keep(goog, later, interval=interval_get("1m"))
    after = {name: at for name, at in dated(folder).items() if before.get(name) != at}
    assert set(after) == {"2024-03-03"}
    files = files_of(location_of(str(bars_dir)), stored.path)
    assert [file.split("/")[-1].rpartition("-")[0] for file in files[1:]] == [
        "2023", "2024-01", "2024-02", "2024-03-03",
    ]  # fmt: skip
    assert bars_read(symbol="GOOG", interval="1m").bars.close.tolist() == [100, 101] * 6 + [102]


def test_hours_are_a_file_a_year_and_only_the_running_year_is_written_anew(
    goog, make_history, bars_dir
):
    # New Year in UTC is in the middle: three hours before it and four after.
    old = keep(goog, hours(make_history, "2023-12-31T21:00", 7), interval=interval_get("1h"))
    folder = bars_dir / "GOOG" / "1h"
    files = dated(folder)
    assert sorted(files) == ["2023", "2024"]
    assert old.path == f"GOOG/1h/{old.content_hash}.json"
    before = bars_read(symbol="GOOG", interval="1h").bars
    assert before.close.tolist() == [100, 101, 102, 103, 104, 105, 106]
    more = hours(make_history, "2024-01-01T04:00", 2, price=107.0)
    keep(goog, more, interval=interval_get("1h"))
    assert bars_read(symbol="GOOG", interval="1h").bars.close.tolist() == list(range(100, 109))
    kept = bars_read(symbol="GOOG", interval="1h", snapshot=old.content_hash).bars
    assert kept.close.tolist() == before.close.tolist()
    found = sorted(path.name[:4] for path in folder.glob("20*.parquet"))
    assert found == ["2023", "2024", "2024"]
    assert dated(folder)["2023"] == files["2023"]


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda folder: next(folder.glob("2023-*")).unlink(), "lost"),
        (lambda folder: next(folder.glob("2023-*")).write_bytes(b"PAR1"), "damaged"),
        (lambda folder: next(folder.glob("*.json")).write_text("{}"), "damaged"),
        (lambda folder: next(folder.glob("*.json")).write_text('{"format": "x"'), "damaged"),
    ],
)
def test_a_year_that_is_lost_or_damaged_is_noticed_and_comes_back_with_a_download(
    goog, make_history, bars_dir, harm, told
):
    history = minutes(make_history, "2023-12-31T23:57", 7)
    keep(goog, history, interval=interval_get("1m"))
    harm(bars_dir / "GOOG" / "1m")
    with pytest.raises(Permanent, match=told):
        bars_read(symbol="GOOG", interval="1m")
    keep(goog, history, interval=interval_get("1m"), replace=True)
    assert len(bars_read(symbol="GOOG", interval="1m").bars) == 7


def test_a_symbol_with_a_slash_stays_in_its_folder(db, make_history, bars_dir):
    keep(Instrument.objects.create(symbol="BTC/USDT"), make_history(2))
    assert [path.name for path in bars_dir.iterdir()] == ["BTC%2FUSDT"]


@pytest.mark.parametrize(
    ("start", "end", "closes"),
    [
        (None, None, [100, 101, 102, 103, 104]),
        (date(2024, 1, 2), date(2024, 1, 4), [101, 102, 103]),
        (date(2024, 1, 3), date(2024, 1, 3), [102]),
        (date(1990, 1, 1), date(2024, 1, 1), [100]),
        (datetime(2024, 1, 4, tzinfo=UTC), None, [103, 104]),
        (None, datetime(2024, 1, 2, 23, tzinfo=UTC), [100, 101]),
    ],
)
def test_a_range_includes_both_its_ends(goog, make_history, start, end, closes):
    keep(goog, make_history(5))
    read = bars_read(symbol="GOOG", interval="1d", start=start, end=end)
    assert read.bars.close.tolist() == closes


def test_a_bar_has_the_same_value_whatever_range_was_asked_for(goog, make_history):
    keep(goog, make_history(6, factor=[0.5, 0.5, 0.7, 0.7, 1.0, 1.0]))
    whole = bars_read(symbol="GOOG", interval="1d").bars
    part = bars_read(
        symbol="GOOG", interval="1d", start=date(2024, 1, 2), end=date(2024, 1, 4)
    ).bars
    assert part.close.tolist() == whole.close[1:4].tolist()


def test_a_day_as_end_includes_the_evening_in_new_york(goog, make_history):
    keep(goog, make_history(48, step=DAY // 24), interval=HOURLY)
    read = bars_read(symbol="GOOG", interval="1h", start=date(2024, 1, 1), end=date(2024, 1, 1))
    # 00:00 in New York is 05:00 UTC.
    assert (read.bars.ts[[0, -1]] - MONDAY).tolist() == [5 * DAY // 24, 28 * DAY // 24]


def test_what_is_not_there_is_told_with_what_is(goog, make_history):
    with pytest.raises(InvalidInput, match="no 1d bars yet"):
        bars_read(symbol="GOOG", interval="1d")
    keep(goog, make_history(3))
    with pytest.raises(InvalidInput, match="only 1d"):
        bars_read(symbol="GOOG", interval="1h")
    with pytest.raises(InvalidInput, match="stored are 2024-01-01 to 2024-01-03"):
        bars_read(symbol="GOOG", interval="1d", start=date(2025, 1, 1))
    with pytest.raises(InvalidInput, match="did you mean GOOG") as caught:
        bars_read(symbol="GOGO", interval="1d")
    assert caught.value.details[0].expected == ["GOOG"]


def test_an_old_run_keeps_its_bars(goog, make_history):
    before = keep(goog, make_history(3)).content_hash
    after = keep(goog, make_history(5)).content_hash
    assert before != after
    assert len(bars_read(symbol="GOOG", interval="1d").bars) == 5
    old = bars_read(symbol="GOOG", interval="1d", snapshot=before)
    assert (len(old.bars), old.snapshot) == (3, before)
    with pytest.raises(InvalidInput, match="never had"):
        bars_read(symbol="GOOG", interval="1d", snapshot="0" * 64)


def test_storing_the_same_bars_again_changes_nothing(goog, make_history, bars_dir):
    first = keep(goog, make_history(4))
    file = bars_dir / first.path
    written = file.stat().st_mtime_ns
    again = keep(goog, make_history(4))
    assert again.content_hash == first.content_hash
    assert file.stat().st_mtime_ns == written
    assert BarSnapshot.objects.count() == 1


def test_replacing_forgets_what_was_there_but_not_its_snapshot(goog, make_history):
    old = keep(goog, make_history(9)).content_hash
    assert keep(goog, make_history(2, price=7.0), replace=True).rows == 2
    assert len(bars_read(symbol="GOOG", interval="1d", snapshot=old).bars) == 9


def test_of_two_sources_the_one_with_more_of_the_range_is_read(goog, make_history):
    keep(goog, make_history(10), provider="sample")
    keep(goog, make_history(10, first=MONDAY + 8 * DAY, price=500.0), provider="yfinance")
    early = bars_read(symbol="GOOG", interval="1d", end=date(2024, 1, 5))
    late = bars_read(symbol="GOOG", interval="1d", start=date(2024, 1, 8))
    tie = bars_read(symbol="GOOG", interval="1d", start=date(2024, 1, 9), end=date(2024, 1, 10))
    assert (early.provider, late.provider, tie.provider) == ("sample", "yfinance", "yfinance")
    with pytest.raises(InvalidInput, match=r"2024-01-01 to 2024-01-10; 2024-01-09 to 2024-01-18"):
        bars_read(symbol="GOOG", interval="1d", start=date(2025, 1, 1))


def test_private_bars_come_first_for_their_owner_and_not_at_all_for_others(
    goog, user, other_user, make_history
):
    keep(goog, make_history(10))
    mine = keep(goog, make_history(3, price=7.0), provider="csv", owner_id=user.id)

    def first_close(owner_id) -> float:
        read = bars_read(symbol="GOOG", interval="1d", end=date(2024, 1, 3), owner_id=owner_id)
        return float(read.bars.close[0])

    assert first_close(user.id) == 7.0
    assert first_close(other_user.id) == first_close(None) == 100.0
    with pytest.raises(InvalidInput, match="never had"):
        bars_read(symbol="GOOG", interval="1d", snapshot=mine.content_hash, owner_id=other_user.id)
    # Where the private ones have nothing, the shared ones do.
    assert (
        len(bars_read(symbol="GOOG", interval="1d", owner_id=user.id, start=date(2024, 1, 5)).bars)
        == 6
    )


def test_a_private_symbol_is_unknown_to_others(user, other_user, make_history):
    own = Instrument.objects.create(symbol="SECRET", owner=user)
    keep(own, make_history(2), provider="csv", owner_id=user.id)
    assert len(bars_read(symbol="secret", interval="1d", owner_id=user.id).bars) == 2
    for owner_id in (other_user.id, None):
        with pytest.raises(InvalidInput, match="not a known symbol") as caught:
            bars_read(symbol="SECRE", interval="1d", owner_id=owner_id)
        assert "SECRET" not in caught.value.message
    assert instrument_get("secret", owner_id=user.id) == own


def test_the_latest_price_is_of_the_bar_that_closed_last(goog, make_history):
    keep(goog, make_history(3))
    keep(goog, make_history(48, step=DAY // 24, price=10.0), interval=HOURLY)
    latest = price_latest("goog")
    assert (str(latest.price), latest.interval) == ("102.0", "1d")
    keep(goog, make_history(96, step=DAY // 24, price=10.0), interval=HOURLY)
    assert (str(price_latest("GOOG").price), price_latest("GOOG").interval) == ("105.0", "1h")


def test_a_damaged_or_lost_file_is_noticed(goog, make_history, bars_dir):
    path = bars_dir / keep(goog, make_history(500)).path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(Permanent, match="damaged"):
        bars_read(symbol="GOOG", interval="1d")
    path.unlink()
    with pytest.raises(Permanent, match="lost"):
        bars_read(symbol="GOOG", interval="1d")
    keep(goog, make_history(500), replace=True)
    assert len(bars_read(symbol="GOOG", interval="1d").bars) == 500


def test_a_warm_read_is_one_query_and_far_below_a_millisecond(goog, make_history):
    keep(goog, make_history(2148))
    bars_read(symbol="GOOG", interval="1d")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        bars_read(symbol="GOOG", interval="1d", start=date(2024, 6, 1))
    assert len(queries) == 1
    hash_and_bars = (bars_read(symbol="GOOG", interval="1d").snapshot, "all")
    began = time.perf_counter()
    for _ in range(100):
        store._cache.get(hash_and_bars, lambda: pytest.fail("not cached"))
    assert (time.perf_counter() - began) / 100 < 0.0005


def test_a_location_may_be_any_url_that_fsspec_knows(goog, make_history, settings):
    settings.BARS_URL = f"memory://bars-{os.getpid()}"
    series = keep(goog, make_history(3))
    assert bars_read(symbol="GOOG", interval="1d").bars.close.tolist() == [100, 101, 102]
    with pytest.raises(FileNotFoundError):
        location_of(settings.BARS_URL).read(series.path + "x")


class Garbled(io.FileIO):
    """A disk that keeps other bytes than it was given."""

    def write(self, data):
        return super().write(bytes(len(data)))


@pytest.mark.parametrize("fails", ["fsync", "replace", "write"])
def test_a_write_that_fails_leaves_neither_half_a_file_nor_a_row(
    goog, make_history, bars_dir, monkeypatch, fails
):
    old = keep(goog, make_history(3))

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    if fails == "fsync":
        monkeypatch.setattr(atomic.os, "fsync", full)
    elif fails == "replace":
        monkeypatch.setattr(Path, "replace", full)
    else:
        monkeypatch.setattr(os, "fdopen", Garbled)
    with pytest.raises(OSError, match=r"No space|does not hold"):
        atomic.file_write(bars_dir / "GOOG" / "1d" / "x.parquet", b"data")
    monkeypatch.undo()
    assert [path.name for path in (bars_dir / "GOOG" / "1d").iterdir()] == [Path(old.path).name]
    assert BarSeries.objects.get().content_hash == old.content_hash


@pytest.mark.django_db(transaction=True)
def test_of_many_writers_at_once_none_loses_the_bars_of_another(make_history):
    instrument = Instrument.objects.create(symbol="GOOG", calendar="XNYS")
    pieces = [make_history(1, first=MONDAY + day * DAY, price=100.0 + day) for day in range(8)]
    gate = threading.Barrier(len(pieces))
    failures: list[Exception] = []

    def write(piece):
        try:
            gate.wait()
            keep(instrument, piece)
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(piece,)) for piece in pieces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    read = bars_read(symbol="GOOG", interval="1d")
    assert read.bars.close.tolist() == [100.0 + day for day in range(8)]
    assert BarSeries.objects.get().content_hash == read.snapshot


def test_restated_prices_leave_the_store_as_it_was(goog, make_history):
    old = keep(goog, make_history(5))
    with pytest.raises(Conflict, match="split"):
        keep(goog, make_history(5, price=200.0))
    assert BarSeries.objects.get().content_hash == old.content_hash


def test_the_cache_holds_what_was_used_last_within_its_limit():
    cache: BarCache[Bars] = BarCache(max_bytes=3 * 10 * 48)
    reads: list[str] = []

    def get(key: str, count: int = 10):
        def read():
            reads.append(key)
            return days(count)

        return cache.get((key, "all"), read)

    first = get("a")
    get("b"), get("c")
    assert get("a") is first
    get("d")  # pushes b out, the one not used for longest
    get("a"), get("c"), get("b")
    assert reads == ["a", "b", "c", "d", "b"]
    get("huge", 1000)
    get("huge", 1000)
    assert reads.count("huge") == 2
    assert cache.bytes <= cache.max_bytes


def test_bars_that_are_shared_cannot_be_changed(goog, make_history):
    keep(goog, make_history(3, factor=[0.5] * 3))
    for adjusted in (True, False):
        bars = bars_read(symbol="GOOG", interval="1d", adjusted=adjusted).bars
        for column in (bars.ts, bars.open, bars.close, bars.volume):
            assert not column.flags.writeable
            assert column.flags.c_contiguous
            assert column.dtype in (np.float64, np.int64)
