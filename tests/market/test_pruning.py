"""Old versions of bars go, and nothing that anybody can still ask for goes with them."""

from __future__ import annotations

import io
import json
import threading
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.checks.registry import registry
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from core.backtests.models import BacktestRun
from core.errors import InvalidInput
from market import archive, holders, pruning, tasks
from market.files.dated import history_put
from market.files.location import location_of
from market.intervals import interval_get
from market.locks import folder_lock
from market.memory import memory
from market.models import BarSeries, BarSnapshot, Instrument, QualityReport
from market.reports import report_ensure
from market.store import bars_read
from strategies.models import Strategy, StrategyVersion

DAY = timedelta(days=1)
HOUR_NS = 3600 * 10**9
# The hours of 2023-12-30 to 2024-01-02: two years.
HOURS = {"step": HOUR_NS, "first": 1_704_067_200 * 10**9 - 48 * HOUR_NS}


def keep(instrument, history, *, interval="1d", provider="sample", **kwargs) -> BarSeries:
    return archive.history_store(
        instrument=instrument,
        interval=interval_get(interval),
        provider=provider,
        history=history,
        replace=True,
        **kwargs,
    )


def age(by=DAY) -> None:
    BarSnapshot.objects.update(updated_at=timezone.now() - by)


def files(bars_dir) -> set[str]:
    return {path.relative_to(bars_dir).as_posix() for path in bars_dir.rglob("*.*")}


def prune(**kwargs) -> tuple[int, int]:
    pruned = pruning.snapshots_prune(now=timezone.now(), **kwargs)
    return sum(one.snapshots for one in pruned), sum(one.files for one in pruned)


def test_a_version_goes_some_hours_after_it_was_replaced_and_not_after_it_was_made(
    goog, make_history, bars_dir
):
    first = keep(goog, make_history(3))
    report_ensure(first)
    age()
    # Current for a day, and replaced now.
    second = keep(goog, make_history(4))
    assert prune() == (0, 0)
    BarSnapshot.objects.filter(content_hash=first.content_hash).update(
        updated_at=timezone.now() - pruning.KEPT - timedelta(minutes=1)
    )
    assert prune(dry_run=True) == (1, 1)
    assert prune() == (1, 1)
    assert prune() == (0, 0)
    assert files(bars_dir) == {second.path}
    assert not QualityReport.objects.exists()
    assert len(bars_read(symbol="GOOG", interval="1d").bars) == 4
    with pytest.raises(InvalidInput, match="never had bars"):
        bars_read(symbol="GOOG", interval="1d", snapshot=first.content_hash)


def test_bars_that_came_back_are_the_current_ones_and_stay(goog, make_history):
    first, second = make_history(3), make_history(4)
    for history in (first, second, first):
        keep(goog, history)
    age()
    assert prune() == (1, 1)
    assert len(bars_read(symbol="GOOG", interval="1d").bars) == 3
    # Long ago the second one was replaced; the first one is replaced now.
    keep(goog, second)
    assert prune() == (0, 0)


def run_of(user, **facts) -> BacktestRun:
    strategy = Strategy.objects.create(owner=user, name="Any")
    version = StrategyVersion.objects.create(
        strategy=strategy, number=1, graph={}, graph_hash="0" * 64
    )
    now = timezone.now()
    return BacktestRun.objects.create(
        owner=user,
        strategy=strategy,
        strategy_version=version,
        symbol="GOOG",
        interval="1d",
        start=now,
        end=now,
        capital=1000,
        resend_at=now,
        **facts,
    )


@pytest.mark.parametrize("place", ["snapshot", "other_snapshots"])
def test_what_a_run_names_stays_for_as_long_as_the_run(goog, make_history, user, place):
    first = keep(goog, make_history(3)).content_hash
    keep(goog, make_history(4))
    age()
    run = run_of(user, **{place: first if place == "snapshot" else {"GOOG": first}})
    assert prune() == (0, 0)
    assert len(bars_read(symbol="GOOG", interval="1d", snapshot=first).bars) == 3
    run.delete()
    assert prune() == (1, 1)


def test_every_field_that_names_bars_is_known_and_a_wrong_line_is_told(monkeypatch):
    named = {
        (model._meta.label, field.name)
        for model in apps.get_models()
        if model._meta.app_label != "market"
        for field in model._meta.get_fields()
        if "snapshot" in field.name and not field.is_relation
    }
    assert named == set(holders.HOLDERS)
    assert holders.holders_check in registry.registered_checks
    assert holders.holders_check() == []
    monkeypatch.setattr(holders, "HOLDERS", (("backtests.BacktestRun", "nothing"),))
    assert [fault.id for fault in holders.holders_check()] == ["market.E004"]


def test_files_of_years_that_another_version_shares_stay(goog, make_history, bars_dir):
    old = keep(goog, make_history(72, **HOURS), interval="1h")
    before = files(bars_dir)
    new = keep(goog, make_history(90, **HOURS), interval="1h")
    shared = {path for path in before if path.startswith("GOOG/1h/2023-")}
    assert len(shared) == 1
    age()
    # The list and the running year; 2023 is the new version's too.
    assert prune() == (1, 2)
    assert old.path not in files(bars_dir)
    assert shared < files(bars_dir)
    assert len(bars_read(symbol="GOOG", interval="1h").bars) == 90
    assert new.path in files(bars_dir)


def test_a_file_that_somebody_else_has_the_same_bars_in_stays(goog, make_history, user, bars_dir):
    keep(goog, make_history(3))
    mine = keep(goog, make_history(3), provider="csv", owner_id=user.id)
    keep(goog, make_history(4))
    age()
    assert prune() == (1, 0)
    assert mine.path in files(bars_dir)
    assert len(bars_read(symbol="GOOG", interval="1d", owner_id=user.id).bars) == 3


def test_where_a_list_cannot_be_read_all_files_stay(goog, make_history, bars_dir):
    keep(goog, make_history(72, **HOURS), interval="1h")
    current = keep(goog, make_history(90, **HOURS), interval="1h")
    (bars_dir / current.path).write_text("{")
    before = files(bars_dir)
    age()
    assert prune() == (0, 0)
    assert files(bars_dir) == before
    assert BarSnapshot.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_folder_that_somebody_writes_to_is_left_for_the_next_time(
    make_history, bars_dir, monkeypatch
):
    goog = Instrument.objects.create(symbol="GOOG", calendar="XNYS", timezone="America/New_York")
    first = keep(goog, make_history(3))
    keep(goog, make_history(4))
    age()
    wrote, go_on = threading.Event(), threading.Event()

    def put(*args, **kwargs):
        path = history_put(*args, **kwargs)
        # The file lay there already; no row names it yet.
        wrote.set()
        assert go_on.wait(10)
        return path

    monkeypatch.setattr(archive, "history_put", put)

    def write():
        try:
            keep(goog, make_history(3), provider="csv")
        finally:
            connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    assert wrote.wait(10)
    assert prune() == (0, 0)
    go_on.set()
    thread.join()
    assert prune() == (1, 0)
    assert first.path in files(bars_dir)
    assert len(bars_read(symbol="GOOG", interval="1d", snapshot=first.content_hash).bars) == 3


@pytest.mark.django_db(transaction=True)
def test_a_writer_waits_for_whoever_drops_files(make_history):
    goog = Instrument.objects.create(symbol="GOOG", calendar="XNYS", timezone="America/New_York")
    done = threading.Event()

    def write():
        try:
            keep(goog, make_history(3))
            done.set()
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    with folder_lock("GOOG/1d") as mine:
        assert mine
        thread.start()
        assert not done.wait(0.3)
    thread.join()
    assert done.is_set()


def test_the_command_says_what_would_go_and_then_drops_it(goog, make_history, bars_dir):
    keep(goog, make_history(3))
    keep(goog, make_history(4))
    out, told = io.StringIO(), io.StringIO()
    words = {"stdout": out, "stderr": told, "hours": 0, "format": "json"}
    call_command("prune_bars", dry_run=True, **words)
    (row,) = json.loads(out.getvalue())
    assert (row["symbol"], row["snapshots"], row["files"]) == ("GOOG", 1, 1)
    assert row["bytes"] > 1000
    assert "1 versions, 0.0 MiB would go" in told.getvalue()
    assert len(files(bars_dir)) == 2
    call_command("prune_bars", **words)
    assert len(files(bars_dir)) == 1


def test_files_of_bars_that_no_row_names_go_when_somebody_says_so(goog, make_history, bars_dir):
    kept = keep(goog, make_history(3))
    private = Instrument.objects.create(symbol="BTC/USDT")
    keep(private, make_history(3))
    location_of(str(bars_dir)).write("uploads/some-file", b"not bars")
    private.delete()
    assert prune() == (0, 0)
    call_command("prune_bars", dry_run=True, strays=True, stderr=io.StringIO())
    assert len(files(bars_dir)) == 2
    call_command("prune_bars", strays=True, stdout=io.StringIO(), stderr=io.StringIO())
    assert files(bars_dir) == {kept.path}
    assert (bars_dir / "uploads" / "some-file").is_file()


def test_workers_do_so_once_an_hour(goog, make_history, bars_dir):
    keep(goog, make_history(3))
    keep(goog, make_history(4))
    age()
    memory().flushdb()
    assert (pruning.prune_due(), pruning.prune_due()) == (True, False)
    tasks.prune()
    assert len(files(bars_dir)) == 1
    assert [len(one.bars) for one in [bars_read(symbol="GOOG", interval="1d")]] == [4]
