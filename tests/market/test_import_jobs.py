"""Imports that a worker does: told of, stopped, cut off, done again, never half done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from core.outbox.models import OutboxMessage
from core.realtime.models import Event
from market import sweeper, tasks
from market.models import BarSeries, Import, Instrument
from market.store import bars_read
from market.uploads import files_prune
from tests.market.sending import YAHOO, send


@pytest.fixture
def api(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_a_large_file_is_imported_by_a_worker_that_tells_its_owner(api, user, bars_dir):
    answer = send(api, YAHOO, symbol="BIG", prefer="respond-async")
    assert answer.status_code == 202
    place = answer.headers["Location"]
    upload = Import.objects.get()
    assert OutboxMessage.objects.get().args == [str(upload.id)]
    assert (bars_dir / upload.path).is_file()
    tasks.import_file(str(upload.id))
    done = api.get(place).json()
    assert (done["status"], done["progress"], done["rows"]) == ("completed", 1.0, 2)
    assert done["series"]["private"] is True
    told = [(event.type, event.data.get("stage")) for event in Event.objects.filter(user=user)]
    assert told == [
        ("import.progress", "storing"),
        ("import.progress", "checking"),
        ("import.completed", None),
    ]
    tasks.import_file(str(upload.id))
    assert Import.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_the_file_of_an_import_is_gone_when_it_is_over(api, bars_dir):
    send(api, YAHOO, symbol="BIG", prefer="respond-async")
    upload = Import.objects.get()
    tasks.import_file(str(upload.id))
    assert not (bars_dir / upload.path).exists()


def test_an_import_that_fails_stores_nothing_and_says_where(api, other_user):
    bad = YAHOO + "2024-01-04,1,2,3,4,5,6\n"
    place = send(api, bad, symbol="BIG", prefer="respond-async").headers["Location"]
    tasks.import_file(str(Import.objects.get().id))
    failed = api.get(place).json()
    assert (failed["status"], failed["error"]["code"]) == ("failed", "invalid_bars")
    assert failed["error"]["details"][0]["path"] == "bars[2].high"
    assert not BarSeries.objects.exists()
    assert not Instrument.objects.exists()
    client = APIClient()
    client.force_authenticate(other_user)
    assert client.get(place).status_code == 404


def test_an_import_whose_worker_died_is_done_again_once(api):
    send(api, YAHOO, symbol="BIG", prefer="respond-async")
    OutboxMessage.objects.all().delete()
    assert sweeper.imports_requeue() == 0
    long_ago = timezone.now() - sweeper.RUNNING_LOST_AFTER - timedelta(seconds=1)
    Import.objects.update(status="running", attempts=1, updated_at=long_ago)
    assert sweeper.imports_requeue() == 1
    assert sweeper.imports_requeue() == 0
    tasks.import_file(str(Import.objects.get().id))
    assert Import.objects.get().status == "completed"
    Import.objects.update(status="running", attempts=3, updated_at=long_ago)
    assert sweeper.imports_requeue() == 0
    assert Import.objects.get().error_code == "worker_lost"


def test_our_own_fault_in_an_import_is_told_without_secrets(api, monkeypatch):
    send(api, YAHOO, symbol="BIG", prefer="respond-async")
    monkeypatch.setattr("market.uploads.bars_import", lambda **_: 1 / 0)
    tasks.import_file(str(Import.objects.get().id))
    upload = Import.objects.get()
    assert (upload.status, upload.error_code) == ("errored", "internal_error")
    assert "zero" not in upload.error_message


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_while_it_imports_stores_nothing_and_the_next_one_all(
    api, user, eventually, monkeypatch
):
    send(api, YAHOO, symbol="BIG", prefer="respond-async")
    upload = Import.objects.get()
    reached = multiprocessing.get_context("fork").Event()

    def hangs(**kwargs):
        kwargs["history"].content_hash()
        reached.set()
        time.sleep(30)

    with monkeypatch.context() as patched:
        patched.setattr("market.importing.history_store", hangs)
        connections.close_all()
        child = os.fork()
        if not child:
            try:
                tasks.import_file(str(upload.id))
            finally:
                os._exit(0)
        assert reached.wait(10)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    upload.refresh_from_db()
    assert (upload.status, upload.stage) == ("running", "storing")
    assert not BarSeries.objects.exists()
    Import.objects.update(updated_at=timezone.now() - sweeper.RUNNING_LOST_AFTER * 2)
    assert sweeper.imports_requeue() == 1
    tasks.import_file(str(upload.id))
    upload.refresh_from_db()
    assert (upload.status, upload.attempts, upload.rows) == ("completed", 2, 2)
    assert len(bars_read(symbol="BIG", interval="1d", owner_id=user.id).bars) == 2


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_upload_the_same_file_store_it_once(api):
    for _ in range(2):
        send(api, YAHOO, symbol="BIG", prefer="respond-async")

    def work(upload):
        try:
            tasks.import_file(str(upload.id))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(one,)) for one in Import.objects.all()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.status for one in Import.objects.all()] == ["completed"] * 2
    assert len({one.series_id for one in Import.objects.all()}) == 1
    assert BarSeries.objects.get().snapshots.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_import_is_stopped_while_it_reads_and_done_again_while_its_file_is_kept(
    api, other_user, bars_dir, monkeypatch
):
    place = send(api, YAHOO, symbol="BIG", prefer="respond-async").headers["Location"]
    upload = Import.objects.get()
    monkeypatch.setattr("market.uploads.TELL_EVERY_S", 0.0)

    def cancelled(data, *, tell, **_):
        answer = api.post(f"{place}cancel/")
        assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
        tell(0.5)
        pytest.fail("it went on")

    with monkeypatch.context() as patched:
        patched.setattr("market.importing.table_read", cancelled)
        tasks.import_file(str(upload.id))
    assert api.get(place).json()["status"] == "canceled"
    assert not BarSeries.objects.exists()
    assert api.post(f"{place}cancel/").status_code == 409
    stranger = APIClient()
    stranger.force_authenticate(other_user)
    assert stranger.post(f"{place}cancel/").status_code == 404
    assert stranger.post(f"{place}retry/").status_code == 404

    assert api.post(f"{place}retry/").status_code == 202
    tasks.import_file(str(upload.id))
    assert api.get(place).json()["status"] == "completed"
    again = api.post(f"{place}retry/")
    assert (again.status_code, again.json()["code"]) == (409, "not_retryable")
    assert not (bars_dir / upload.path).exists()


@pytest.mark.django_db(transaction=True)
def test_the_file_of_an_import_that_was_stopped_goes_after_a_day(api, bars_dir):
    place = send(api, YAHOO, symbol="BIG", prefer="respond-async").headers["Location"]
    path = bars_dir / Import.objects.get().path
    api.post(f"{place}cancel/")
    assert files_prune() == 0
    assert path.is_file()
    Import.objects.update(updated_at=timezone.now() - timedelta(days=2))
    assert (files_prune(), files_prune()) == (1, 0)
    assert not path.exists()
    answer = api.post(f"{place}retry/")
    assert (answer.status_code, "upload it again" in answer.json()["message"]) == (409, True)


def test_a_running_job_says_how_long_it_takes_yet(api):
    place = send(api, YAHOO, symbol="BIG", prefer="respond-async").headers["Location"]
    assert api.get(place).json()["eta_s"] is None
    begun = timezone.now() - timedelta(seconds=10)
    Import.objects.update(status="running", progress=0.25, started_at=begun)
    assert api.get(place).json()["eta_s"] == pytest.approx(30, abs=3)
