"""A position is guarded again, whatever became of the attempts to guard it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.utils import timezone

from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_change
from brokers.choices import TimeInForce
from brokers.deployments.gathering import Dossier
from brokers.deployments.placing import Desk
from brokers.deployments.reading import plan_of
from brokers.deployments.schedule import deployments_follow
from brokers.deployments.services import deployment_pause
from brokers.deployments.stopping import position_of
from brokers.deployments.ticking import deployment_tick
from brokers.deployments.wanted import Decision, Role, Wanted
from brokers.dispatch import account_send
from brokers.models import BookEntry, BrokerAccount, Deployment, Order
from brokers.services.orders import order_cancel
from core.engine.bars import Bars
from core.engine.program import OrderKind
from notifications.models import Alert
from strategies.selectors import template_graph
from tests.brokers.at_alpaca import alpaca_account, alpaca_served
from tests.brokers.deployments.replaying import DAY_NS, START, Venue
from tests.brokers.deployments.test_replay import with_units
from tests.venue.exchange import Refusal

pytestmark = pytest.mark.usefixtures("patient")

FLAT = 30


@pytest.fixture
def broker(settings):
    with alpaca_served(settings, "REPLAY") as broker:
        yield broker


@pytest.fixture
def venue(user, broker):
    """Prices are 100, and 110 from the bar after the first decision on."""
    price = np.full(40, 100.0)
    price[FLAT + 1 :] = 110.0
    bars = Bars.from_arrays(
        ts=START + np.arange(40) * DAY_NS,
        open=price,
        high=price + 1,
        low=price - 1,
        close=price,
        volume=np.ones(40),
    )
    venue = Venue(user, bars, asset_class="equity")
    venue.account = alpaca_account(user)
    venue.past(FLAT)
    return venue


def graph_leaving():
    """Buy below 105 with a stop a tenth below, and leave above 105."""
    graph = with_units(deepcopy(template_graph("buy_and_hold")[0]))
    for node in graph["nodes"]:
        if node["type"] == "entry":
            node["params"] |= {"stop_loss": {"type": "percent", "value": 0.1}}
        if node["id"] == "always":
            node["params"] = {"operator": "lt", "right": 105}
    drawn = {"position": {"x": 0, "y": 0}, "data": {"label": "above"}}
    above = {"operator": "gt", "right": 105}
    graph["nodes"] += [
        {"id": "above", "type": "condition", "params": above, **drawn},
        {"id": "leave", "type": "exit", "params": {"side": "any"}, **drawn},
    ]
    graph["edges"] += [
        {"source": "close", "target": "above", "target_port": "left"},
        {"source": "above", "target": "leave", "target_port": "when"},
    ]
    return graph


@pytest.fixture
def deployment(venue):
    return venue.deploy(graph_leaving(), at=FLAT)


def bought(venue, deployment):
    """Buy, and have nothing of what follows be sent yet."""
    decide(venue, deployment, FLAT)
    account_send(account_id=venue.account.id)
    follow(venue)


def held(venue, deployment):
    bought(venue, deployment)
    account_send(account_id=venue.account.id)
    assert guards("accepted") == [Decimal(90)]


def decide(venue, deployment, at):
    venue.opens(at)
    venue.trades(at)
    return deployment_tick(deployment_id=deployment.id, now=venue.over(at))


def follow(venue, at=FLAT):
    deployments_follow(now=venue.over(at))


def look(venue, at=FLAT):
    for _ in range(3):
        for order in Order.objects.filter(cancel_requested_at__isnull=False):
            order_change(order_id=order.id)
        follow(venue, at)
        account_send(account_id=venue.account.id)


def waited(minutes=10):
    """Have time pass since the last attempt."""
    ago = timezone.now() - timedelta(minutes=minutes)
    Order.objects.exclude(finished_at=None).update(finished_at=ago)
    Deployment.objects.exclude(retry_at=None).update(retry_at=ago)


def guards(*statuses):
    rows = Order.objects.filter(order_type="stop", status__in=statuses).order_by("leg")
    return list(rows.values_list("stop_price", flat=True))


def test_a_guard_that_was_denied_while_halted_is_placed_when_that_is_over(venue, deployment):
    decide(venue, deployment, FLAT)
    account_send(account_id=venue.account.id)
    BrokerAccount.objects.update(state="halted", state_reason="It differs.")
    look(venue)
    assert (guards("denied"), guards("accepted")) == ([90], []), "once: nobody tries in vain"
    BrokerAccount.objects.update(state="active", state_reason="")
    waited()
    look(venue)
    assert (guards("denied"), guards("accepted")) == ([90], [90])
    deployment.refresh_from_db()
    assert deployment.retry_at is None


def test_a_guard_that_the_rate_refused_is_sent_again_after_a_growing_wait(
    venue, broker, deployment
):
    bought(venue, deployment)
    for count in (1, 2, 3):
        broker.faults.next("submit", "rate_limit")
        account_send(account_id=venue.account.id)
        look(venue)
        assert len(guards("rejected")) == count
        deployment.refresh_from_db()
        wait = deployment.retry_at - Order.objects.order_by("-leg").first().finished_at
        assert wait == pytest.approx(timedelta(seconds=10 * 2**count), abs=timedelta(seconds=9))
        if count < 3:
            waited()
            follow(venue)
    waited()
    look(venue)
    assert guards("accepted") == [90]
    assert Alert.objects.filter(event="order.rejected").count() == 1, "told once, not at each try"


def test_a_guard_that_is_refused_for_good_is_tried_once_a_bar(
    venue, broker, deployment, monkeypatch
):
    bought(venue, deployment)

    def refused(**_order):
        raise Refusal("forbidden", "stop orders are not allowed")

    with monkeypatch.context() as patch:
        patch.setattr(broker.exchange, "place", refused)
        account_send(account_id=venue.account.id)
        waited()
        look(venue)
        assert len(guards("rejected")) == 1
    Order.objects.filter(order_type="stop").update(finished_at=timezone.now() - timedelta(days=2))
    Deployment.objects.update(retry_at=timezone.now())
    look(venue)
    assert guards("accepted") == [90]


def test_a_guard_that_ended_with_the_day_waits_for_the_market_to_open(
    venue, deployment, monkeypatch
):
    adapter = ADAPTERS.get("alpaca")
    can = adapter.capabilities
    can = replace(can, usual=replace(can.usual, times_in_force=frozenset({TimeInForce.DAY})))
    monkeypatch.setattr(type(adapter), "capabilities", can)
    instrument = venue.instrument
    instrument.calendar, instrument.timezone = "XNYS", "America/New_York"
    stop = Wanted(Role.STOP, 0, -1, False, OrderKind.STOP, 10.0, START, stop=90.0, entry_ts=START)
    decision = Decision(bar_ts=START, position=10.0, equity=1.0, cash=0.0, guards=(stop,))

    def desk(hour):
        now = datetime(2024, 1, 5, hour, tzinfo=UTC)  # a Friday
        made = Desk(deployment, plan_of(deployment).program, instrument, [], now=now)
        made.act(decision)
        return made

    assert [draft.intent.time_in_force for draft in desk(15).drafts] == [TimeInForce.DAY]
    closed = desk(22)
    assert closed.drafts == []
    left = closed.retry_at - timezone.now()  # until Monday, 9:30 in New York
    assert left == pytest.approx(timedelta(days=2, hours=16.5), abs=timedelta(minutes=1))


def test_a_guard_that_somebody_took_back_lies_there_again(venue, broker, deployment):
    held(venue, deployment)
    broker.exchange.cancel(broker.exchange.open()[0].id)
    look(venue)
    waited()
    look(venue)
    assert (guards("canceled"), guards("accepted")) == ([90], [90])
    assert BookEntry.objects.get(kind="lapsed").quantity == 0


def test_an_exit_that_is_refused_has_the_guard_lie_there_again(venue, broker, deployment):
    held(venue, deployment)
    decide(venue, deployment, FLAT + 1)
    broker.faults.next("submit", "rate_limit")
    look(venue, FLAT + 1)
    leaving = Order.objects.get(node__startswith="leave")
    assert (leaving.status, leaving.order_type) == ("rejected", "market")
    assert (position_of(deployment), guards("accepted")) == (10, [90])


def exits():
    rows = Order.objects.filter(node__startswith="leave").order_by("leg")
    return list(rows.values_list("leg", "status"))


def test_an_exit_that_the_rate_refused_is_sent_again_and_the_guard_lies_meanwhile(
    venue, broker, deployment
):
    held(venue, deployment)
    decide(venue, deployment, FLAT + 1)
    broker.faults.next("submit", "rate_limit")
    look(venue, FLAT + 1)
    deployment.refresh_from_db()
    assert deployment.retry_at > timezone.now()
    assert (exits(), guards("accepted")) == ([(0, "rejected")], [90])
    waited()
    broker.faults.next("submit", "rate_limit")
    look(venue, FLAT + 1)
    look(venue, FLAT + 1)
    assert (exits()[1:], guards("accepted")) == ([(1, "rejected")], [90])
    waited()
    look(venue, FLAT + 1)
    look(venue, FLAT + 1)
    assert exits()[2:] == [(2, "filled")]
    assert (position_of(deployment), broker.exchange.open(), broker.exchange.positions()) == (
        0, [], {},
    )  # fmt: skip
    assert Alert.objects.filter(event="order.rejected").count() == 1, "told once, not at each try"


@pytest.mark.parametrize("paused", [False, True])
def test_an_exit_that_was_denied_while_halted_is_sent_when_that_is_over(
    venue, broker, deployment, paused
):
    held(venue, deployment)
    decide(venue, deployment, FLAT + 1)
    BrokerAccount.objects.update(state="halted", state_reason="It differs.")
    for _ in range(2):
        look(venue, FLAT + 1)
        waited()
    assert exits() == [(0, "denied")], "once: nobody tries in vain"
    if paused:
        deployment_pause(deployment=deployment)
    BrokerAccount.objects.update(state="active", state_reason="")
    look(venue, FLAT + 1)
    look(venue, FLAT + 1)
    assert exits()[1:] == [(1, "filled")]
    assert (position_of(deployment), broker.exchange.open()) == (0, [])


def test_an_exit_that_is_refused_for_good_is_not_tried_again_within_its_bar(
    venue, broker, deployment, monkeypatch
):
    held(venue, deployment)
    decide(venue, deployment, FLAT + 1)
    place = broker.exchange.place

    def refused(**order):
        if order["type"] == "market":
            raise Refusal("forbidden", "not allowed")
        return place(**order)

    with monkeypatch.context() as patch:
        patch.setattr(broker.exchange, "place", refused)
        look(venue, FLAT + 1)
    waited()
    look(venue, FLAT + 1)
    assert (exits(), guards("accepted")) == ([(0, "rejected")], [90])


def test_an_exit_that_was_taken_back_before_it_was_sent_stays_so(venue, broker, deployment):
    held(venue, deployment)
    decide(venue, deployment, FLAT + 1)
    for order in Order.objects.filter(cancel_requested_at__isnull=False):
        order_change(order_id=order.id)
    follow(venue, FLAT + 1)
    order_cancel(order=Order.objects.get(node__startswith="leave"))
    look(venue, FLAT + 1)
    waited()
    look(venue, FLAT + 1)
    assert (exits(), guards("accepted")) == ([(0, "canceled")], [90])


def test_a_pause_leaves_the_exit_that_waits(venue, broker, deployment):
    held(venue, deployment)
    decide(venue, deployment, FLAT + 1)
    broker.exchange.fills_at_once = False
    look(venue, FLAT + 1)
    assert Order.objects.get(node__startswith="leave").status == "accepted"
    deployment_pause(deployment=deployment)
    broker.exchange.tick("REPLAY", 110)
    look(venue, FLAT + 1)
    assert (position_of(deployment), broker.exchange.open()) == (0, [])


def test_a_pause_while_guards_are_withdrawn_for_an_exit_still_sells(venue, broker, deployment):
    held(venue, deployment)
    decide(venue, deployment, FLAT + 1)
    deployment_pause(deployment=deployment)
    look(venue, FLAT + 1)
    assert (position_of(deployment), broker.exchange.open()) == (0, [])


def test_what_fills_after_the_strategy_has_failed_is_booked_and_guarded(
    venue, broker, deployment, monkeypatch
):
    broker.exchange.fills_at_once = False
    bought(venue, deployment)

    def broken(*_args, **_options):
        raise ZeroDivisionError("no volume")

    with monkeypatch.context() as patch:
        patch.setattr(Dossier, "view", broken)
        decide(venue, deployment, FLAT + 1)
    deployment.refresh_from_db()
    entry = Order.objects.get(side="buy")
    assert (deployment.state, entry.cancel_requested_at is None) == ("failed", False)
    broker.exchange.fills_at_once = True
    broker.exchange.tick("REPLAY", 100)  # before it is canceled
    look(venue, FLAT + 1)
    assert (position_of(deployment), guards("accepted")) == (10, [90])
    broker.exchange.tick("REPLAY", 89)
    look(venue, FLAT + 1)
    assert (position_of(deployment), broker.exchange.positions()) == (0, {})
    assert Order.objects.filter(side="buy").count() == 1
