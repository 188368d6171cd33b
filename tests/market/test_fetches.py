"""Downloads as jobs: queued, run once, told how they ended."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from core.errors import InvalidInput
from core.outbox.models import OutboxMessage
from core.realtime.models import Event
from market import sweeper, tasks
from market.choices import FetchStatus
from market.downloads import bars_download
from market.intervals import interval_get
from market.models import BarSeries, Fetch, Instrument
from market.providers.base import BarRequest
from market.services.fetches import fetch_create
from market.store import bars_read
from market.transitions import fetch_move

HEADER = "ts,open,high,low,close,volume\n"


@pytest.fixture
def folder(tmp_path, settings):
    settings.CSV_BARS_DIR = str(tmp_path)

    def write(symbol: str, first: int, last: int, price: float = 10.0) -> None:
        rows = "".join(
            f"2024-01-{day:02},{price},{price + 2},{price - 1},{price + 1},100\n"
            for day in range(first, last + 1)
        )
        (tmp_path / f"{symbol}_1d.csv").write_text(HEADER + rows)

    return write


def create(user, symbol="GOOG", provider="sample", **kwargs) -> Fetch:
    return fetch_create(owner_id=user.id, provider=provider, symbol=symbol, interval="1d", **kwargs)


def test_a_fetch_is_written_down_and_its_task_queued_with_it(user):
    fetch = create(user, start=date(2012, 1, 1))
    message = OutboxMessage.objects.get()
    assert (message.task, message.args, message.queue) == (
        "market.fetch",
        [str(fetch.id)],
        "market",
    )
    assert (fetch.status, fetch.symbol, fetch.attempts) == ("queued", "GOOG", 0)


def test_a_fetch_ends_with_bars_that_everybody_can_read_and_an_event(user):
    fetch = create(user, start=date(2013, 1, 1))
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, fetch.progress, fetch.rows, fetch.attempts) == ("completed", 1.0, 41, 1)
    assert fetch.series.owner is None
    assert len(bars_read(symbol="GOOG", interval="1d").bars) == 41
    # A slow machine may have told of progress before.
    event = Event.objects.filter(user=user).latest("seq")
    assert (event.topic, event.type) == (f"fetch:{fetch.id}", "fetch.completed")


def test_a_task_that_is_delivered_twice_downloads_once(user):
    fetch = create(user)
    tasks.fetch(str(fetch.id))
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert fetch.attempts == 1
    assert Event.objects.filter(type="fetch.completed").count() == 1


def test_what_the_provider_cannot_do_is_a_failure_with_its_reason(user):
    fetch = create(user, symbol="NOSUCH")
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, fetch.error_code) == ("failed", "unknown_symbol")
    assert "NOSUCH" in fetch.error_message
    assert not Instrument.objects.exists()


def test_what_we_cannot_do_is_an_error_that_tells_no_secrets(user, monkeypatch):
    fetch = create(user)
    monkeypatch.setattr("market.runner.bars_download", lambda **_: 1 / 0)
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, fetch.error_code) == ("errored", "internal_error")
    assert "zero" not in fetch.error_message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"provider": "bloomberg"}, "not a provider"),
        ({"symbol": "../etc"}, "cannot be a symbol"),
        ({"symbol": ""}, "cannot be a symbol"),
        ({"start": date(2024, 1, 2), "end": date(2024, 1, 1)}, "swap them"),
    ],
)
def test_a_fetch_that_cannot_be_is_refused_at_once(user, changes, words):
    with pytest.raises(InvalidInput, match=words):
        create(user, **changes)
    assert not Fetch.objects.exists()


def download(symbol="GOOG", **kwargs) -> BarSeries:
    request = BarRequest(
        symbol=symbol,
        interval=interval_get("1d"),
        start=kwargs.pop("start", None),
        end=kwargs.pop("end", None),
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return bars_download(provider="csv", request=request, **kwargs)


def test_a_later_download_leaves_no_hole_between_what_is_stored_and_what_was_asked(db, folder):
    folder("GOOG", 2, 20)
    download(end=date(2024, 1, 5))
    assert download(start=date(2024, 1, 15), end=date(2024, 1, 18)).rows == 17
    download("GOOG", start=date(2024, 1, 19))
    assert len(bars_read(symbol="GOOG", interval="1d").bars) == 19


def test_a_download_that_overwrites_takes_the_place_of_what_is_stored(db, folder):
    folder("GOOG", 2, 20)
    download()
    folder("GOOG", 10, 12, price=500.0)
    assert download(overwrite=True).rows == 3


def test_a_lost_message_is_sent_again_and_only_by_one_sweeper(user):
    fetch = create(user)
    OutboxMessage.objects.all().delete()
    assert sweeper.fetches_requeue() == 0
    Fetch.objects.update(updated_at=timezone.now() - sweeper.QUEUED_LOST_AFTER * 2)
    tasks.sweep()
    assert OutboxMessage.objects.get().args == [str(fetch.id)]
    assert sweeper.fetches_requeue() == 0


def test_a_download_whose_worker_died_runs_again_until_it_is_given_up(user):
    fetch = create(user)
    long_ago = timezone.now() - sweeper.RUNNING_LOST_AFTER - timedelta(seconds=1)
    for attempts, requeued, status in ((1, 1, "queued"), (2, 1, "queued"), (3, 0, "errored")):
        Fetch.objects.update(status="running", attempts=attempts, updated_at=long_ago)
        assert sweeper.fetches_requeue() == requeued
        fetch.refresh_from_db()
        assert fetch.status == status
    assert fetch.error_code == "worker_lost"


def test_a_status_changes_only_as_the_table_says(user):
    fetch = create(user)
    with pytest.raises(ValueError, match="does not go"):
        fetch_move(fetch_id=fetch.id, before=FetchStatus.COMPLETED, after=FetchStatus.QUEUED)
    assert not fetch_move(
        fetch_id=fetch.id, before=FetchStatus.RUNNING, after=FetchStatus.COMPLETED
    )


def test_a_report_that_cannot_be_made_does_not_cost_the_bars(user, monkeypatch):
    def fails(*_args, **_kwargs):
        raise ValueError("the sessions do not cover the bars")

    monkeypatch.setattr("market.reports.quality_report", fails)
    fetch = create(user, start=date(2013, 1, 1))
    tasks.fetch(str(fetch.id))
    fetch.refresh_from_db()
    assert (fetch.status, fetch.rows) == ("completed", 41)
