"""Whatever happens to workers and messages: each run ends once, and never by a zombie."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.db.models import F
from django.utils import timezone

from core.backtests import attempt as attempts
from core.backtests import sweeper
from core.backtests.attempt import attempt_begin, attempt_end, run_attempt
from core.backtests.choices import RunStatus
from core.backtests.lease import Lease, lease_end
from core.backtests.models import BacktestRun, EquityCurve, Trade
from core.backtests.progress import Progress
from core.backtests.runner import run_compute
from core.backtests.services.changes import run_cancel, run_delete, run_retry
from core.backtests.store import outcome_store
from core.backtests.sweeper import runs_sweep
from core.backtests.transitions import TRANSITIONS, run_transition
from core.errors import Conflict, Transient
from core.outbox.models import OutboxMessage


def refreshed(run):
    return BacktestRun.objects.get(id=run.id)


def outcome_of(run):
    progress = Progress(run=run, lease=Lease(run_id=run.id, attempt=run.attempts))
    return run_compute(run=run, stage=progress.stage)


def expire(run):
    BacktestRun.objects.filter(id=run.id).update(leased_until=timezone.now() - timedelta(seconds=1))


def check_until_stopped(lease):
    deadline = timezone.now() + timedelta(seconds=5)
    while timezone.now() < deadline:
        lease.check()


def lose_message(run):
    BacktestRun.objects.filter(id=run.id).update(resend_at=timezone.now() - timedelta(seconds=1))


def test_only_the_pairs_of_the_table_are_transitions(tiny, new_run):
    run = new_run()
    for before in RunStatus:
        for after in RunStatus:
            if (before, after) in TRANSITIONS:
                continue
            with pytest.raises(ValueError, match="does not go from"):
                run_transition(run_id=run.id, before=before, after=after)
    assert refreshed(run).status == RunStatus.QUEUED


def test_completed_is_the_end(tiny):
    assert not [after for before, after in TRANSITIONS if before == RunStatus.COMPLETED]


def test_a_run_is_claimed_once(tiny, new_run):
    run = new_run()
    assert attempt_begin(run_id=run.id).attempts == 1
    assert attempt_begin(run_id=run.id) is None
    assert refreshed(run).attempts == 1


def test_a_message_delivered_twice_does_the_work_once(tiny, new_run, work):
    run = work(new_run())
    finished = run.finished_at
    again = work(run)
    assert (again.finished_at, again.attempts, again.trades.count()) == (finished, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_at_once_exactly_one_gets_the_run(tiny, new_run):
    run = new_run()
    barrier, claimed = Barrier(6), []

    def claim():
        barrier.wait()
        claimed.append(attempt_begin(run_id=run.id))
        connection.close()

    threads = [Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in claimed if one is not None]) == 1


def test_a_zombie_that_comes_back_late_writes_nothing(tiny, new_run, work):
    zombie = attempt_begin(run_id=new_run().id)
    outcome = outcome_of(zombie)
    expire(zombie)
    runs_sweep()  # its lease ran out: the run is queued again
    done = work(zombie)  # and another worker does it
    assert (done.status, done.attempts) == ("completed", 2)
    assert outcome_store(run=zombie, outcome=outcome) is False
    assert (EquityCurve.objects.count(), Trade.objects.count()) == (1, 1)


def test_a_zombie_cannot_end_a_run_that_somebody_else_has(tiny, new_run):
    zombie = attempt_begin(run_id=new_run().id)
    expire(zombie)
    runs_sweep()
    attempt_begin(run_id=zombie.id)
    attempt_end(run=zombie, status=RunStatus.ERRORED, code="x", message="x")
    assert refreshed(zombie).status == RunStatus.RUNNING


def test_a_retry_does_not_let_an_old_zombie_through(tiny, new_run):
    zombie = attempt_begin(run_id=new_run().id)
    outcome = outcome_of(zombie)
    attempt_end(run=zombie, status=RunStatus.ERRORED, code="x", message="x")
    run_retry(owner_id=zombie.owner_id, run_id=zombie.id)
    assert attempt_begin(run_id=zombie.id).attempts == 2
    assert outcome_store(run=zombie, outcome=outcome) is False


def test_a_result_is_stored_whole_or_not_at_all(tiny, new_run, monkeypatch):
    run = attempt_begin(run_id=new_run().id)
    outcome = outcome_of(run)

    def fail(**_):
        raise RuntimeError("the database went away")

    monkeypatch.setattr("core.backtests.store.completion_notify", fail)
    with pytest.raises(RuntimeError):
        outcome_store(run=run, outcome=outcome)
    assert refreshed(run).status == RunStatus.RUNNING
    assert not EquityCurve.objects.exists()
    assert not Trade.objects.exists()


def test_a_lost_message_is_sent_again_and_not_at_every_sweep(tiny, new_run):
    run = new_run()
    OutboxMessage.objects.all().delete()  # the broker took it, and was wiped
    assert runs_sweep() == 0, "a fresh message may still arrive"
    lose_message(run)
    assert runs_sweep() == 1
    assert OutboxMessage.objects.get().args == [str(run.id)]
    assert runs_sweep() == 0
    assert refreshed(run).messages == 2


def test_the_wait_for_a_message_doubles_up_to_a_limit(tiny, new_run):
    run = new_run()
    for sent, seconds in ((1, 30), (2, 60), (9, 600)):
        BacktestRun.objects.filter(id=run.id).update(messages=sent)
        lose_message(run)
        runs_sweep()
        left = (refreshed(run).resend_at - timezone.now()).total_seconds()
        assert left == pytest.approx(seconds, abs=5)


def test_a_running_run_with_a_living_worker_is_left_alone(tiny, new_run):
    run = attempt_begin(run_id=new_run().id)
    assert runs_sweep() == 0
    assert refreshed(run).status == RunStatus.RUNNING


def test_a_run_whose_worker_died_is_done_by_another_with_the_same_result(waves, new_run, work):
    whole = work(new_run("WAVE", "sma_cross"))
    run = new_run("WAVE", "sma_cross")
    attempt_begin(run_id=run.id)  # the worker is killed here
    assert work(run).status == RunStatus.RUNNING, "its message comes again, the lease still holds"
    expire(run)
    OutboxMessage.objects.all().delete()
    assert runs_sweep() == 1
    assert OutboxMessage.objects.get().args == [str(run.id)]
    run = work(run)
    assert (run.status, run.attempts) == ("completed", 2)
    assert run.metrics == whole.metrics
    assert bytes(run.curve.series) == bytes(whole.curve.series)


def test_a_run_that_kills_its_workers_is_parked_with_the_reason(tiny, new_run):
    run = new_run()
    for _ in range(3):
        attempt_begin(run_id=run.id)
        expire(run)
        runs_sweep()
    run = refreshed(run)
    assert (run.status, run.error_code, run.attempts) == ("errored", "worker_lost", 3)
    assert "died 3 times" in run.error_message
    assert runs_sweep() == 0
    assert run_retry(owner_id=run.owner_id, run_id=run.id).attempts_allowed == 6


def test_a_sweep_that_comes_late_sees_that_the_lease_was_renewed(tiny, new_run):
    run = attempt_begin(run_id=new_run().id)
    expire(run)
    seen = refreshed(run)  # what the sweep read
    BacktestRun.objects.filter(id=run.id).update(leased_until=lease_end())
    assert sweeper._recover(seen) is False
    assert refreshed(run).status == RunStatus.RUNNING


def test_a_sweep_that_comes_late_sees_that_the_message_was_sent(tiny, new_run):
    run = new_run()
    lose_message(run)
    seen = refreshed(run)
    assert runs_sweep() == 1
    assert sweeper._resend(seen) is False
    assert refreshed(run).messages == 2


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_repair_each_run_once(tiny, new_run):
    lost, orphan = new_run(), new_run()
    attempt_begin(run_id=orphan.id)
    lose_message(lost)
    expire(orphan)
    barrier, swept = Barrier(4), []

    def sweep():
        barrier.wait()
        swept.append(runs_sweep())
        connection.close()

    threads = [Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(swept) == 2


def test_what_is_away_for_now_is_tried_again_but_not_for_ever(tiny, new_run, work, monkeypatch):
    def away(**_):
        raise Transient("The bar store does not answer.", retry_after_s=1)

    monkeypatch.setattr(attempts, "run_compute", away)
    run = work(new_run())
    assert (run.status, run.attempts) == ("queued", 1)
    assert work(run).status == "queued"
    run = work(run)
    assert (run.status, run.error_message) == ("errored", "The bar store does not answer.")


def test_the_time_limit_ends_a_run_as_timed_out(tiny, new_run, work, monkeypatch):
    def slow(**_):
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(attempts, "run_compute", slow)
    run = work(new_run())
    assert (run.status, run.error_code) == ("timed_out", "timed_out")
    assert "300 s" in run.error_message


def test_a_queued_run_is_canceled_at_once(tiny, new_run, work):
    run = new_run()
    assert run_cancel(owner_id=run.owner_id, run_id=run.id).status == "canceled"
    assert work(run).status == "canceled", "its message finds nothing to do"


def test_a_running_run_stops_where_its_worker_sees_the_flag(tiny, new_run, monkeypatch):
    run = new_run()

    def compute(**_):
        run_cancel(owner_id=run.owner_id, run_id=run.id)
        return outcome_of(refreshed(run))

    monkeypatch.setattr(attempts, "run_compute", compute)
    run_attempt(run_id=run.id, time_limit_s=300)
    assert refreshed(run).status == "canceled"
    assert not EquityCurve.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_lease_is_renewed_while_the_worker_lives_and_hears_of_a_cancel(tiny, new_run):
    run = attempt_begin(run_id=new_run().id)
    expire(run)
    with Lease(run_id=run.id, attempt=run.attempts, renew_every_s=0.02) as lease:
        deadline = timezone.now() + timedelta(seconds=5)
        while refreshed(run).leased_until < timezone.now():
            assert timezone.now() < deadline
        lease.check()
        run_cancel(owner_id=run.owner_id, run_id=run.id)
        with pytest.raises(attempts.CancelRequested):
            check_until_stopped(lease)


@pytest.mark.django_db(transaction=True)
def test_a_worker_learns_that_its_run_went_to_another(tiny, new_run):
    run = attempt_begin(run_id=new_run().id)
    BacktestRun.objects.filter(id=run.id).update(attempts=F("attempts") + 1)
    lease = Lease(run_id=run.id, attempt=run.attempts, renew_every_s=0.02)
    with lease, pytest.raises(attempts.LeaseLost):
        check_until_stopped(lease)


def test_a_run_whose_worker_died_after_the_cancel_is_canceled(tiny, new_run):
    run = attempt_begin(run_id=new_run().id)
    run_cancel(owner_id=run.owner_id, run_id=run.id)
    expire(run)
    assert runs_sweep() == 1
    assert refreshed(run).status == "canceled"


def test_what_has_ended_cannot_be_canceled_and_a_result_not_be_retried(tiny, new_run, work):
    run = work(new_run())
    with pytest.raises(Conflict, match="completed"):
        run_cancel(owner_id=run.owner_id, run_id=run.id)
    with pytest.raises(Conflict, match="completed"):
        run_retry(owner_id=run.owner_id, run_id=run.id)


def test_deleting_a_run_under_way_leaves_nothing_behind(tiny, new_run):
    run = attempt_begin(run_id=new_run().id)
    outcome = outcome_of(run)
    run_delete(owner_id=run.owner_id, run_id=run.id)
    assert outcome_store(run=run, outcome=outcome) is False
    assert not BacktestRun.objects.exists()
    assert not Trade.objects.exists()
