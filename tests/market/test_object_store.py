"""The bar store in an object store: S3's protocol, spoken by moto on loopback."""

from __future__ import annotations

import socket
import threading
import uuid
from datetime import date, timedelta

import fsspec
import pytest
from django.db import connection
from django.utils import timezone
from moto.server import ThreadedMotoServer

from core.errors import Permanent, Transient
from market import parts, store
from market.archive import history_store
from market.files.location import RemoteFolder, location_of
from market.intervals import interval_get
from market.models import BarSeries, BarSnapshot, Fetch, Instrument
from market.pruning import snapshots_prune
from market.services.fetches import fetch_create
from market.store import bars_read
from tests.market.conftest import DAY, MONDAY

DAILY = interval_get("1d")


@pytest.fixture(scope="module")
def server():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    moto.start()
    yield f"http://127.0.0.1:{port}"
    moto.stop()


@pytest.fixture
def bucket(server, settings, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    settings.BARS_URL = f"s3://bars-{uuid.uuid4().hex[:12]}/store"
    yield settings.BARS_URL
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def keep(instrument, history, **kwargs) -> BarSeries:
    return history_store(
        instrument=instrument, interval=DAILY, provider="sample", history=history, **kwargs
    )


def test_bars_in_an_object_store_come_back_and_old_runs_keep_theirs(bucket, goog, make_history):
    before = keep(goog, make_history(3, factor=[0.5] * 3))
    after = keep(goog, make_history(9))
    assert bars_read(symbol="GOOG", interval="1d").bars.close.tolist() == [
        100.0 + day for day in range(9)
    ]
    old = bars_read(symbol="GOOG", interval="1d", snapshot=before.content_hash, adjusted=False)
    assert old.bars.close.tolist() == [100, 101, 102]
    files = RemoteFolder(bucket)
    names = {path.rsplit("/", 1)[1] for path in files.files.find(files.root)}
    assert names == {f"{series.content_hash}.parquet" for series in (before, after)}


def test_old_versions_in_an_object_store_go(bucket, goog, make_history):
    keep(goog, make_history(3))
    kept = keep(goog, make_history(9))
    files = RemoteFolder(bucket)
    assert files.sizes("GOOG/1w") == {}
    assert files.folders() == ["GOOG/1d"]
    (pruned,) = snapshots_prune(now=timezone.now(), kept=timedelta(0))
    assert (pruned.snapshots, pruned.files) == (1, 1)
    assert pruned.bytes > 1000
    assert list(files.sizes("GOOG/1d")) == [kept.path]
    assert len(bars_read(symbol="GOOG", interval="1d").bars) == 9


def test_a_file_that_is_gone_is_told_and_one_that_never_was_can_be_deleted(
    bucket, goog, make_history
):
    series = keep(goog, make_history(3))
    location = location_of(bucket)
    location.delete(series.path)
    location.delete(series.path)
    with pytest.raises(FileNotFoundError):
        location.read(series.path)
    with pytest.raises(Permanent, match="lost"):
        bars_read(symbol="GOOG", interval="1d")


def test_a_store_that_does_not_answer_is_told_and_nothing_is_written_down(
    bucket, goog, make_history, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(Transient, match="bar store cannot be used") as caught:
        keep(goog, make_history(3))
    assert caught.value.code == "bar_store_away"
    assert not BarSeries.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_writers_at_once_none_loses_the_bars_of_the_other(bucket, make_history):
    instrument = Instrument.objects.create(symbol="GOOG", calendar="XNYS")
    pieces = [make_history(1, first=MONDAY + day * DAY, price=100.0 + day) for day in range(3)]
    gate = threading.Barrier(len(pieces))

    def write(piece):
        try:
            gate.wait()
            keep(instrument, piece)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(piece,)) for piece in pieces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bars_read(symbol="GOOG", interval="1d").bars.close.tolist() == [100, 101, 102]
    assert BarSnapshot.objects.filter(content_hash=BarSeries.objects.get().content_hash).exists()


def test_parts_of_a_download_lie_in_the_object_store_too(bucket, user, make_history, monkeypatch):
    monkeypatch.setattr(parts, "PART_ROWS", 1)
    fetch: Fetch = fetch_create(
        owner_id=user.id, provider="sample", symbol="GOOG", interval="1d", start=date(2024, 1, 1)
    )
    held = parts.StoredParts(fetch)
    held.add(parts.Download(make_history(4), parts.Listing("GOOG")))
    again = parts.StoredParts(fetch)
    assert again.join().history.bars.close.tolist() == [100, 101, 102, 103]
    assert again.last_ts() == MONDAY + 3 * DAY
    store._cache.clear()
