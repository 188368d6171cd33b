"""What may go wrong around a tick: it is decided once, told, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from brokers.deployments import drifting, ticking
from brokers.deployments.drifting import drift_compare
from brokers.deployments.following import deployment_follow
from brokers.deployments.gathering import Dossier
from brokers.deployments.services import deployment_stop
from brokers.deployments.stopping import deployment_finish, position_of
from brokers.deployments.ticking import deployment_tick
from brokers.dispatch import account_send
from brokers.models import BookEntry, Deployment, DeploymentTick, Order
from core.db import uuid7
from core.outbox.models import OutboxMessage
from notifications.models import Alert
from strategies.selectors import template_graph
from tests.brokers.deployments.replaying import Venue, bars_random
from tests.brokers.deployments.test_replay import with_units


def deployed(user, template="buy_and_hold", *, bars=40, at=30):
    venue = Venue(user, bars_random(bars))
    venue.past(at)
    return venue, venue.deploy(with_units(template_graph(template)[0]), at=at)


def test_a_bar_is_decided_once_however_often_it_is_looked_at(user):
    venue, deployment = deployed(user)
    assert venue.bar(deployment, 30).status == "decided"
    assert deployment_tick(deployment_id=deployment.id, now=venue.over(30)) is None
    venue.trades(30)  # the provider sends the same bar again
    assert deployment_tick(deployment_id=deployment.id, now=venue.over(30)) is None
    assert DeploymentTick.objects.count() == 1
    assert Order.objects.filter(deployment_id=deployment.id).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_make_one_decision(user):
    venue, deployment = deployed(user)
    venue.opens(30)
    venue.trades(30)

    def work(_):
        try:
            return deployment_tick(deployment_id=deployment.id, now=venue.over(30))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        ticks = [tick for tick in pool.map(work, range(4)) if tick is not None]
    assert len(ticks) == 1
    assert Order.objects.filter(deployment_id=deployment.id).count() == 1


def test_a_worker_that_dies_between_tick_and_order_leaves_neither(user, monkeypatch):
    venue, deployment = deployed(user)
    venue.opens(30)
    venue.trades(30)

    class Killed(BaseException):
        pass

    def die(*_args):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ticking, "ticks_tell", die)
        with pytest.raises(Killed):
            deployment_tick(deployment_id=deployment.id, now=venue.over(30))
    assert not DeploymentTick.objects.exists()
    assert not Order.objects.exists()
    assert not OutboxMessage.objects.filter(task="brokers.accounts_send").exists()
    assert deployment_tick(deployment_id=deployment.id, now=venue.over(30)) is not None
    assert Order.objects.count() == 1


def test_a_worker_that_dies_after_the_tick_leaves_an_order_that_is_sent_once(user):
    venue, deployment = deployed(user)
    venue.opens(30)
    venue.trades(30)
    deployment_tick(deployment_id=deployment.id, now=venue.over(30))
    assert Order.objects.get().status == "created"
    for _ in range(2):
        account_send(account_id=venue.account.id)
    assert Order.objects.get().status == "accepted"
    venue.bar(deployment, 31)
    assert position_of(deployment) == 10


def test_a_late_bar_is_told_once_and_nothing_is_guessed(user):
    venue, deployment = deployed(user)
    for minutes in (3, 4):
        now = venue.over(30) + timedelta(minutes=minutes)
        assert deployment_tick(deployment_id=deployment.id, now=now) is None
    assert Alert.objects.filter(event="data.late").count() == 1
    assert not DeploymentTick.objects.exists()


def test_a_bar_that_comes_after_the_next_was_over_is_seen_and_not_acted_on(user):
    venue, deployment = deployed(user)
    venue.opens(30)
    venue.trades(30)
    tick = deployment_tick(deployment_id=deployment.id, now=venue.over(31))
    assert tick.status == "late"
    assert [note["code"] for note in tick.notes] == ["late"]
    assert not Order.objects.exists()
    assert venue.bar(deployment, 31).status == "decided"
    assert Order.objects.count() == 1


def test_bars_that_passed_unseen_and_bars_that_are_not_there_are_told(user):
    venue, deployment = deployed(user)
    for at in (30, 31, 33):
        venue.opens(at)
        venue.trades(at)
    tick = deployment_tick(deployment_id=deployment.id, now=venue.over(33))
    assert (tick.status, [note["code"] for note in tick.notes]) == (
        "decided",
        ["bars_missed", "bars_missing"],
    )
    statuses = DeploymentTick.objects.order_by("bar_ts").values_list("status", flat=True)
    assert list(statuses) == ["missed", "missed", "decided"]


def test_a_strategy_that_raises_fails_alone_and_says_why(user, monkeypatch):
    venue, deployment = deployed(user)
    venue.opens(30)
    venue.trades(30)

    def broken(*_args, **_options):
        raise ZeroDivisionError("no volume")

    monkeypatch.setattr(Dossier, "view", broken)
    assert deployment_tick(deployment_id=deployment.id, now=venue.over(30)).status == "failed"
    deployment.refresh_from_db()
    assert (deployment.state, "no volume" in deployment.state_reason) == ("failed", True)
    assert Alert.objects.filter(event="deployment.failed").count() == 1
    assert not Order.objects.exists()


def test_news_of_a_fill_is_booked_once(user):
    venue, deployment = deployed(user)
    venue.bar(deployment, 30)
    venue.opens(31)
    for _ in range(3):
        deployment_follow(deployment_id=deployment.id, now=venue.over(30))
    assert BookEntry.objects.filter(kind="entry").count() == 1


def test_stopping_with_liquidation_ends_flat(user):
    venue, deployment = deployed(user)
    venue.bar(deployment, 30)
    venue.bar(deployment, 31)
    assert position_of(deployment) == 10
    deployment_stop(deployment=deployment, liquidate=True)
    deployment_finish(deployment_id=deployment.id)
    account_send(account_id=venue.account.id)
    venue.opens(32)
    for _ in range(2):
        deployment_finish(deployment_id=deployment.id)
    deployment.refresh_from_db()
    assert (deployment.state, position_of(deployment)) == ("stopped", 0)
    assert Order.objects.filter(deployment_id=deployment.id).count() == 2


def test_a_replay_under_the_same_rules_does_not_drift(user):
    venue, deployment = deployed(user)
    for at in range(30, 36):
        venue.bar(deployment, at)
    reports = drift_compare(deployment=Deployment.objects.get(), now=venue.over(36))
    assert len(reports) == 6
    assert any(report.live_pnl for report in reports)
    assert all(abs(report.difference) < 1e-6 for report in reports)
    assert drift_compare(deployment=Deployment.objects.get(), now=venue.over(36)) == []


def test_worse_fills_than_the_backtests_are_slippage_and_beyond_the_threshold_told(user):
    venue, deployment = deployed(user)
    venue.account.paper_terms = venue.account.paper_terms | {"slippage_bps": 500}
    venue.account.save()
    Deployment.objects.update(drift_threshold="0.0001")
    for at in range(30, 33):
        venue.bar(deployment, at)
    _, bought, _ = drift_compare(deployment=Deployment.objects.get(), now=venue.over(33))
    entry = BookEntry.objects.get(kind="entry")
    wrong = float(entry.price) - venue.bars.open[31]
    assert wrong > 1
    assert bought.slippage == pytest.approx(-10 * wrong, abs=1e-6)
    assert (bought.signal, bought.timing, bought.data, bought.fees) == (0, 0, 0, 0)
    assert Alert.objects.filter(event="drift.exceeded").count() == 1


def test_every_deployment_has_its_turn_to_be_compared(user, monkeypatch):
    venue, deployment = deployed(user)
    for _ in range(3):
        other = Deployment.objects.get(id=deployment.id)
        other.id = uuid7()
        other.save(force_insert=True)
    for one in Deployment.objects.all():
        DeploymentTick.objects.create(
            deployment=one, bar_ts=venue.over(30), closed_at=venue.over(31), status="decided"
        )
    seen = set()
    monkeypatch.setattr(drifting, "AT_ONCE", 2)
    monkeypatch.setattr(
        drifting, "drift_compare", lambda deployment, **_now: [seen.add(deployment.id)]
    )
    for _ in range(40):
        drifting.drifts_compare(now=timezone.now())
    assert len(seen) == 4
