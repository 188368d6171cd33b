"""Downloads that are cut off, wait, fail for a while, or are asked for twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import UTC, date, datetime

import pytest
from django.db import connection, connections
from django.utils import timezone

from core.errors import Conflict, NotFound, Transient
from core.outbox.models import OutboxMessage
from core.realtime.models import Event
from market import downloads, parts, runner, sweeper, tasks
from market.choices import FetchStatus
from market.downloads import bars_download
from market.hold import Hold
from market.intervals import interval_get
from market.locks import series_lock
from market.models import BarSeries, BarSnapshot, Fetch, FetchPart, QuarantinedBar
from market.providers.base import BarRequest
from market.services.fetches import fetch_cancel, fetch_create, fetch_retry
from market.store import bars_read
from tests.market.exchanges import Binance, utc
from tests.market.loopback import served

DAY_MS = 86_400_000
FIRST = int(utc("2024-01-01").timestamp() * 1000)


@pytest.fixture
def binance(settings, monkeypatch):
    settings.PROVIDER_TIMEOUT_S = 2
    settings.PROVIDER_RATES = {}
    settings.FETCH_BACKOFF_S = 0.001
    # Every page is a part.
    monkeypatch.setattr(parts, "PART_ROWS", 1)
    with served(Binance(page=10)) as server:
        settings.CCXT_URL = server.url
        server.candles[("BTCUSDT", "1d")] = [
            (FIRST + day * DAY_MS, 100.0 + day, 102.0 + day, 99.0 + day, 101.0 + day, 7.0)
            for day in range(60)
        ]
        yield server


def create(user, **kwargs) -> Fetch:
    fields = {"start": date(2024, 1, 1), "end": date(2024, 2, 29)} | kwargs
    return fetch_create(
        owner_id=user.id, provider="ccxt", symbol="BTC/USDT", interval="1d", **fields
    )


def closes() -> list[float]:
    return bars_read(symbol="BTC/USDT", interval="1d").bars.close.tolist()


WHOLE = [101.0 + day for day in range(60)]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_loses_no_bar_and_writes_none_twice(
    binance, user, eventually, bars_dir
):
    fetch = create(user)
    answer = binance.answer

    def slow(path, query):
        # The third page never comes while the first worker lives.
        if binance.is_bars(path) and len(binance.bar_queries()) == 3:
            time.sleep(5)
        return answer(path, query)

    binance.answer = slow
    connections.close_all()
    child = os.fork()
    if not child:
        try:
            runner.fetch_run(fetch_id=fetch.id)
        finally:
            os._exit(0)
    eventually(lambda: FetchPart.objects.count() == 2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    fetch.refresh_from_db()
    assert fetch.status == FetchStatus.RUNNING
    assert not BarSeries.objects.exists()

    binance.answer = answer
    Fetch.objects.update(updated_at=timezone.now() - sweeper.RUNNING_LOST_AFTER * 2)
    assert sweeper.fetches_requeue() == 1
    asked_before = len(binance.bar_queries())
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, fetch.attempts, fetch.rows) == ("completed", 2, 60)
    assert closes() == WHOLE
    assert BarSnapshot.objects.count() == 1
    # It went on with the day of the last bar that was kept: the 20th.
    first = int(binance.bar_queries()[asked_before]["startTime"])
    assert (first - FIRST) // DAY_MS == 19
    assert not FetchPart.objects.exists()
    assert not (bars_dir / "parts" / str(fetch.id)).exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_fetch_the_same_series_download_and_write_it_once(binance, user):
    fetches = [create(user), create(user)]
    answer = binance.answer

    def slow(path, query):
        time.sleep(0.05)
        return answer(path, query)

    binance.answer = slow

    def work(fetch_id):
        try:
            tasks.fetch(str(fetch_id))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(fetch.id,)) for fetch in fetches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [fetch.status for fetch in Fetch.objects.all()] == ["completed"] * 2
    assert len({fetch.series_id for fetch in Fetch.objects.all()}) == 1
    assert closes() == WHOLE
    assert BarSnapshot.objects.count() == 1
    assert len(binance.bar_queries()) == 6


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_another_download_says_so(binance, user, eventually):
    fetch = create(user)
    held, go_on = threading.Event(), threading.Event()

    def hold():
        with series_lock(provider="ccxt", symbol="BTC/USDT", interval="1d"):
            held.set()
            go_on.wait(10)
        connection.close()

    def work():
        tasks.fetch(str(fetch.id))
        connections.close_all()

    threads = [threading.Thread(target=one) for one in (hold, work)]
    threads[0].start()
    held.wait(10)
    threads[1].start()
    eventually(lambda: "waiting for another" in Fetch.objects.get().stage)
    go_on.set()
    for thread in threads:
        thread.join()
    assert (Fetch.objects.get().status, Fetch.objects.get().stage) == ("completed", "")


@pytest.mark.django_db(transaction=True)
def test_a_hold_that_is_renewed_keeps_a_job_from_the_sweeper_until_its_worker_dies(
    user, eventually
):
    fetch = create(user)
    long_ago = timezone.now() - sweeper.RUNNING_LOST_AFTER * 2

    def lose():
        Fetch.objects.update(status=FetchStatus.RUNNING, attempts=1, updated_at=long_ago)
        fetch.refresh_from_db()

    lose()
    with Hold(Fetch.objects.all(), fetch, renew_every_s=0.02):
        eventually(lambda: Fetch.objects.get().updated_at > long_ago)
        assert sweeper.fetches_requeue() == 0
    lose()
    # Somebody else's attempt is not this one's to renew.
    Fetch.objects.update(attempts=2)
    with Hold(Fetch.objects.all(), fetch, renew_every_s=0.01):
        time.sleep(0.1)
    assert Fetch.objects.get().updated_at == long_ago
    assert sweeper.fetches_requeue() == 1


def test_a_worker_that_was_taken_for_dead_ends_nothing_and_drops_no_parts(
    binance, user, monkeypatch
):
    fetch = create(user)
    report = runner.report_try

    def late(series):
        report(series)
        # Meanwhile another worker has begun.
        Fetch.objects.update(attempts=2)

    monkeypatch.setattr(runner, "report_try", late)
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, fetch.attempts) == ("running", 2)
    assert fetch.parts.count() == 6
    assert not Event.objects.filter(type="fetch.completed").exists()


def request(**kwargs) -> BarRequest:
    fields = {"start": date(2024, 1, 1), "end": None} | kwargs
    return BarRequest(
        symbol="BTC/USDT",
        interval=interval_get("1d"),
        now=datetime(2024, 6, 1, tzinfo=UTC),
        **fields,
    )


def test_a_fault_that_passes_costs_a_wait_that_grows_and_no_page_twice(binance, db):
    binance.mischief, binance.after, binance.times = "500", 2, 3
    waits: list[float] = []
    series = bars_download(provider="ccxt", request=request(), sleep=waits.append)
    assert (series.rows, closes()) == (60, WHOLE)
    assert len(waits) == 3
    # A thousandth of a second, doubled each time, and half as much more or less by chance.
    for wait, expected in zip(waits, (0.001, 0.002, 0.004), strict=True):
        assert expected * 0.5 <= wait <= expected * 1.5
    starts = [(int(q["startTime"]) - FIRST) // DAY_MS for q in binance.bar_queries()]
    assert starts[:6] == [0, 9, 19, 19, 19, 19]


def test_a_fault_that_stays_is_told_after_some_tries(binance, db):
    binance.mischief = "500"
    waits: list[float] = []
    with pytest.raises(Transient, match="fault of its own"):
        bars_download(provider="ccxt", request=request(), sleep=waits.append)
    assert len(waits) == 4
    assert not BarSeries.objects.exists()


def test_a_failed_download_keeps_what_came_and_goes_on_there_when_tried_again(
    binance, user, settings
):
    fetch = create(user)
    binance.mischief, binance.after = "500", 3
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, fetch.error_code) == ("failed", "provider_unavailable")
    assert fetch.parts.count() == 3
    assert not BarSeries.objects.exists()
    binance.mischief = ""
    asked_before = len(binance.bar_queries())
    again = fetch_retry(owner_id=user.id, fetch_id=fetch.id)
    assert (again.status, again.error_message) == ("queued", "")
    tasks.fetch(str(fetch.id))
    assert closes() == WHOLE
    assert len(binance.bar_queries()) - asked_before == 4
    with pytest.raises(Conflict, match="completed"):
        fetch_retry(owner_id=user.id, fetch_id=fetch.id)


def test_a_download_that_is_sent_away_waits_in_the_queue_with_the_reason(binance, user):
    fetch = create(user)
    binance.mischief, binance.after = "429", 1
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, fetch.deferrals, fetch.attempts) == ("queued", 1, 0)
    assert "asked too often" in fetch.stage
    assert fetch.parts.count() == 1
    # Not at once, but after some minutes.
    assert sweeper.fetches_requeue() == 0
    Fetch.objects.update(updated_at=timezone.now() - sweeper.QUEUED_LOST_AFTER * 2)
    assert sweeper.fetches_requeue() == 1
    Fetch.objects.update(deferrals=runner.DEFERRALS_AT_MOST)
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, fetch.error_code) == ("failed", "rate_limited")


def test_a_download_that_takes_longer_than_a_task_may_goes_on_in_another(
    binance, user, monkeypatch
):
    fetch = create(user)
    monkeypatch.setattr(runner, "RUN_AT_MOST_S", 0.0)
    OutboxMessage.objects.all().delete()
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, fetch.parts.count()) == ("queued", 1)
    assert OutboxMessage.objects.get().args == [str(fetch.id)]
    for _ in range(20):
        tasks.fetch(str(fetch.id))
        fetch.refresh_from_db()
        if fetch.status == "completed":
            break
    assert closes() == WHOLE


@pytest.mark.django_db(transaction=True)
def test_a_download_that_is_cancelled_stops_at_the_next_page(binance, user, monkeypatch):
    fetch = create(user)
    monkeypatch.setattr(runner, "TELL_EVERY_S", 0.0)
    answer = binance.answer

    def cancelled(path, query):
        if binance.is_bars(path) and len(binance.bar_queries()) == 3:
            fetch_cancel(owner_id=user.id, fetch_id=fetch.id)
            connection.close()
        return answer(path, query)

    binance.answer = cancelled
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, len(binance.bar_queries())) == ("canceled", 3)
    assert not BarSeries.objects.exists()


def test_progress_is_told_and_only_the_owner_of_a_download_that_goes_on_can_cancel_it(
    binance, user, other_user, monkeypatch
):
    fetch = create(user)
    monkeypatch.setattr(runner, "TELL_EVERY_S", 0.0)
    tasks.fetch(str(fetch.id))
    told = [event.data["progress"] for event in Event.objects.filter(type="fetch.progress")]
    # Ten days a page, of sixty.
    assert told[:2] == [pytest.approx(9 / 60, abs=1e-4), pytest.approx(19 / 60, abs=1e-4)]

    second = create(user, start=date(2024, 1, 2))
    with pytest.raises(NotFound):
        fetch_cancel(owner_id=other_user.id, fetch_id=second.id)
    assert fetch_cancel(owner_id=user.id, fetch_id=second.id).status == "canceled"
    tasks.fetch(str(second.id))
    second.refresh_from_db()
    assert (second.status, second.attempts) == ("canceled", 0)
    with pytest.raises(Conflict, match="canceled already"):
        fetch_cancel(owner_id=user.id, fetch_id=second.id)


def test_a_row_that_cannot_be_a_bar_is_kept_apart_until_a_later_delivery_says_better(binance, user):
    rows = binance.candles[("BTCUSDT", "1d")]
    good = rows[25]
    rows[25] = (good[0], good[1], 1.0, good[3], good[4], good[5])
    tasks.fetch(str(create(user).id))
    assert closes() == WHOLE[:25] + WHOLE[26:]
    bad = QuarantinedBar.objects.get()
    assert (bad.ts, bad.code, bad.high) == (good[0] * 10**6, "high_too_low", 1.0)
    assert bad.series == BarSeries.objects.get()
    rows[25] = good
    tasks.fetch(str(create(user, start=date(2024, 1, 20)).id))
    assert closes() == WHOLE
    assert not QuarantinedBar.objects.exists()


def test_parts_come_back_as_they_were_written(binance, user):
    fetch = create(user)
    rows = binance.candles[("BTCUSDT", "1d")]
    rows[5] = (*rows[5][:4], float("nan"), rows[5][5])
    held = parts.StoredParts(fetch)
    asked = request(end=date(2024, 2, 29))
    downloads.pages_collect(
        provider=downloads.provider_get("ccxt"), request=asked, parts=held, sleep=time.sleep
    )
    again = parts.StoredParts(fetch).join()
    now = held.join()
    assert again.history.content_hash() == now.history.content_hash()
    assert again.listing == now.listing
    ((one,), (other,)) = (again.rejected, now.rejected)
    assert (one.ts, one.code, one.message) == (other.ts, other.code, other.message)
    assert sorted(map(repr, one.values.items())) == sorted(map(repr, other.values.items()))
    (path,) = fetch.parts.filter(number=1).values_list("path", flat=True)
    held.drop()
    assert not fetch.parts.exists()
    assert path == f"parts/{fetch.id}/00001.parquet"


@pytest.mark.django_db(transaction=True)
def test_what_came_of_a_failed_download_is_dropped_after_a_week(binance, user, bars_dir):
    fetch = create(user)
    binance.mischief, binance.after = "500", 2
    tasks.fetch(str(fetch.id))
    folder = bars_dir / "parts" / str(fetch.id)
    assert len(list(folder.iterdir())) == 2
    assert sweeper.parts_prune() == 0
    Fetch.objects.update(updated_at=timezone.now() - sweeper.PARTS_KEPT * 2)
    assert sweeper.parts_prune() == 1
    assert not folder.exists()
    binance.mischief = ""
    fetch_retry(owner_id=user.id, fetch_id=fetch.id)
    tasks.fetch(str(fetch.id))
    assert closes() == WHOLE
