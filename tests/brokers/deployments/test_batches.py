"""Many deployments of one bar: decided together, failing alone, shared by two workers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import chain

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from brokers.deployments import schedule
from brokers.deployments.gathering import Dossier
from brokers.deployments.schedule import deployments_tick
from brokers.deployments.ticking import deployments_decide
from brokers.models import Deployment, DeploymentTick, Order, PaperOrder
from brokers.services.limits import limit_set
from core.outbox.models import OutboxMessage
from notifications.models import Alert, AlertRule
from strategies.selectors import template_graph
from tests.brokers.deployments.test_replay import with_units

BUY = with_units(template_graph("buy_and_hold")[0])


def deployed(venue, count, *, graph=BUY, at=30):
    return [venue.deploy(graph, at=at, name=f"No. {n}") for n in range(count)]


def next_bar(venue, at=30):
    venue.opens(at)
    venue.trades(at)
    return venue.over(at)


def decided(deployments, now):
    ids = [one.id for one in deployments]
    return list(chain.from_iterable(deployments_decide(deployment_ids=ids, now=now)))


def test_what_they_share_is_asked_once_however_many_they_are(venue):
    counts = []
    for at, count in ((30, 1), (31, 12)):
        rows = deployed(venue, count, at=at)
        now = next_bar(venue, at)
        with CaptureQueriesContext(connection) as queries:
            assert len(decided(rows, now)) == count
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 3, counts


def test_one_that_raises_fails_alone(venue, monkeypatch):
    rows = deployed(venue, 5)
    view = Dossier.view

    def broken(dossier, count):
        if dossier.deployment.name == "No. 3":
            raise ZeroDivisionError("no volume")
        return view(dossier, count)

    monkeypatch.setattr(Dossier, "view", broken)
    ticks = decided(rows, next_bar(venue))
    assert sorted(tick.status for tick in ticks) == ["decided"] * 4 + ["failed"]
    states = dict(Deployment.objects.values_list("name", "state"))
    assert states == {f"No. {n}": "failed" if n == 3 else "running" for n in range(5)}
    assert Order.objects.count() == 4


def test_decided_together_is_decided_as_alone(venue):
    together, alone = deployed(venue, 3), deployed(venue, 1)
    now = next_bar(venue)
    ticks = decided(together, now) + decided(alone, now)
    assert len({str(tick.decision) for tick in ticks}) == 1
    assert len({tick.equity for tick in ticks}) == 1
    assert OutboxMessage.objects.filter(task="brokers.accounts_send").count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_deployments_of_a_bar(venue):
    rows = deployed(venue, 8)
    now = next_bar(venue)

    def work(_):
        try:
            return decided(rows, now)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        ticks = list(chain.from_iterable(pool.map(work, range(2))))
    assert sorted(tick.deployment_id for tick in ticks) == sorted(one.id for one in rows)
    assert Order.objects.count() == 8


@pytest.mark.django_db(transaction=True)
def test_orders_for_our_own_venue_are_there_when_the_tick_is_done(venue, monkeypatch):
    monkeypatch.setattr(schedule, "SHARED_FROM", 1)
    deployed(venue, 2)
    helped = []
    now = next_bar(venue)
    assert deployments_tick(now=now, symbols=["OTHER"]) == 0
    assert deployments_tick(now=now, symbols=["REPLAY"], help_call=lambda: helped.append(1)) == 2
    assert PaperOrder.objects.count() == 2
    assert set(Order.objects.values_list("status", flat=True)) == {"accepted"}
    assert helped == [1], "where there is work for two, another process is called"


def test_two_orders_of_one_batch_do_not_both_fit_into_the_room_for_one(venue, user):
    rows = deployed(venue, 3)
    price = Decimal(str(venue.bars.close[30]))
    limit_set(owner_id=user.id, account_id=venue.account.id, max_position_value=price * 25)
    decided(rows, next_bar(venue))
    statuses = list(Order.objects.order_by("created_at").values_list("status", "reason_code"))
    assert sorted(statuses) == [("created", ""), ("created", ""), ("denied", "position_value")]
    denied = Alert.objects.get(event="risk.denied")
    assert (denied.data["code"], denied.data["ticker"]) == ("position_value", "REPLAY")


def test_its_owner_is_told_what_who_has_a_rule_asked_for(venue, user):
    rows = deployed(venue, 1)
    AlertRule.objects.create(owner=user, event="signal.entry")
    decided(rows, next_bar(venue))
    alert = Alert.objects.get(event="signal.entry")
    assert alert.data["deployment_id"] == str(rows[0].id)
    assert alert.data["price"] == pytest.approx(venue.bars.close[30])
    assert not Alert.objects.filter(event="signal.exit").exists()


ALERTING = {
    "nodes": [
        {"id": "close", "type": "price", "params": {}},
        {"id": "always", "type": "condition", "params": {"operator": "gt", "right": 0}},
        {"id": "enter", "type": "entry", "params": {"sizing": {"type": "units", "value": 1}}},
        {"id": "tell", "type": "action", "params": {"operation": "alert", "message": "Above 0."}},
    ],
    "edges": [
        {"source": "close", "target": "always", "target_port": "left"},
        {"source": "always", "target": "enter", "target_port": "when"},
        {"source": "always", "target": "tell", "target_port": "when"},
    ],
    "settings": {},
}


def test_the_alert_action_of_a_live_strategy_is_sent_once_a_bar(venue):
    rows = deployed(venue, 1, graph=ALERTING)
    now = next_bar(venue)
    for _ in range(2):
        decided(rows, now)
    alert = Alert.objects.get(event="strategy.alert")
    assert (alert.subject, alert.data["node_id"]) == ("Above 0.", "tell")
    assert alert.data["price"] == pytest.approx(venue.bars.close[30])
    decided(rows, next_bar(venue, 31))
    assert Alert.objects.filter(event="strategy.alert").count() == 2
    assert DeploymentTick.objects.first().decision["alerts"] == ["tell"]


def test_without_a_rule_signals_are_not_told(venue):
    decided(deployed(venue, 1), next_bar(venue))
    assert not Alert.objects.filter(event__startswith="signal.").exists()


def test_each_whole_percent_below_the_peak_is_told_once(venue, user):
    rows = deployed(venue, 1)
    AlertRule.objects.create(owner=user, event="drawdown.exceeded")
    DeploymentTick.objects.create(
        deployment=rows[0], bar_ts=venue.over(10), status="decided", equity=104_000,
        closed_at=venue.over(11),
    )  # fmt: skip
    decided(rows, next_bar(venue))
    alert = Alert.objects.get(event="drawdown.exceeded")
    assert alert.data["drawdown_pct"] == pytest.approx(100 * 4 / 104)
    assert alert.data["equity"] == 100_000


@pytest.mark.django_db(transaction=True)
def test_where_the_last_bar_was_work_for_two_help_is_called_before_it_is_counted(
    venue, monkeypatch
):
    steps = []
    count = schedule._apart
    monkeypatch.setattr(schedule, "_apart", lambda rows: steps.append("count") or count(rows))
    monkeypatch.setattr(schedule, "_shared", set())
    monkeypatch.setattr(schedule, "SHARED_FROM", 1)
    deployed(venue, 2)
    now = next_bar(venue)
    for _ in range(3):  # nothing is due any more after the first time
        deployments_tick(now=now, symbols=["REPLAY"], help_call=lambda: steps.append("help"))
    assert steps == ["count", "help", "help", "count", "count"]
