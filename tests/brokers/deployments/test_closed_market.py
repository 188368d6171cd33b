"""Orders that are decided on after the close, at a broker that takes none before the next open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from brokers.adapters.kinds import ADAPTERS
from brokers.deployments.choices import DeploymentState
from brokers.deployments.drifting import drift_compare
from brokers.deployments.services import (
    deployment_begin,
    deployment_pause,
    deployment_resume,
    deployment_start,
    deployment_stop,
)
from brokers.deployments.stopping import deployment_finish, position_of
from brokers.dispatch import account_send
from brokers.models import BookEntry, BrokerAccount, Deployment, DeploymentTick, Order
from brokers.services.stopping import kill_switch
from tests.brokers.deployments.mumbai import (
    FRIDAY,
    TUESDAY,
    WEDNESDAY,
    Mumbai,
    at,
    closes,
    opens,
    zerodha_served,
)
from tests.brokers.deployments.test_attempts import graph_leaving
from tests.brokers.deployments.test_replay import UNITS
from tests.brokers.deployments.test_take_profit_remote import graph_guarded

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def broker(settings):
    with zerodha_served(settings) as broker:
        yield broker


@pytest.fixture
def market(user, broker, monkeypatch):
    return Mumbai(user, broker, monkeypatch)


@pytest.fixture
def deployment(market):
    """Decides to buy ten below 105, and to leave above."""
    return market.deploy(graph_leaving())


@pytest.fixture
def holding(market, deployment):
    """Bought at 101 on Tuesday, with a stop at the broker."""
    market.decide(deployment, FRIDAY, 100)
    market.broker.exchange.tick("ACME", 101)
    market.look(opens(TUESDAY))
    assert orders() == [("buy", "market", "filled"), ("sell", "stop", "accepted")]
    return deployment


def orders():
    rows = Order.objects.order_by("created_at", "leg")
    return [(row.side, row.order_type, row.status) for row in rows]


def test_an_entry_waits_over_a_holiday_for_the_market_to_open(market, deployment):
    tick = market.decide(deployment, FRIDAY, 100)
    assert (tick.status, tick.pending, orders(), market.sent()) == ("decided", True, [], 0)
    deployment.refresh_from_db()
    assert deployment.retry_at == at(TUESDAY, 3, 45)
    # In the night, on Monday, which is Republic Day, and a second before the open.
    for moment in (at(FRIDAY, 10, 2), at(24, 5), at(26, 5), at(TUESDAY, 3, 44, 59)):
        market.look(moment)
        assert (orders(), market.sent()) == ([], 0)
    assert DeploymentTick.objects.get().pending
    market.broker.exchange.tick("ACME", 101)
    market.look(opens(TUESDAY))
    entry, stop = Order.objects.order_by("created_at")
    assert (entry.side, entry.status, entry.average_price) == ("buy", "filled", 101)
    assert (entry.bar_ts, entry.leg) == (at(FRIDAY, 0), 0)
    assert (stop.status, stop.stop_price) == ("accepted", Decimal("90.9"))
    market.look(opens(TUESDAY) + SECOND)
    assert (len(orders()), market.sent()) == (2, 2), "each once"
    assert not DeploymentTick.objects.filter(pending=True).exists()


def test_nobody_is_looked_at_in_vain_until_then(market, deployment, monkeypatch):
    market.decide(deployment, FRIDAY, 100)
    looked = []
    monkeypatch.setattr(
        "brokers.deployments.schedule._follow", lambda **kw: looked.extend(kw["deployment_ids"])
    )
    market.look(at(26, 5))
    assert looked == []
    market.look(opens(TUESDAY), times=1)
    assert looked == [deployment.id]


def test_the_wait_is_no_drift(market, holding):
    market.decide(holding, TUESDAY, 101, 103)
    # Zerodha has not told its charges: two days later they are waited for no longer.
    market.go(opens(TUESDAY) + timedelta(days=2))
    friday, tuesday = drift_compare(deployment=Deployment.objects.get(), now=market.now)
    assert (friday.difference, friday.detail["fills_live"]) == (0, 0)
    assert (tuesday.live_pnl, tuesday.backtest_pnl) == (20, 20)
    assert (tuesday.timing, tuesday.slippage, tuesday.signal) == (0, 0, 0)
    (fill,) = tuesday.detail["fills"]
    assert fill["bar_ts"] == fill["backtest_bar_ts"] == "2026-01-27T00:00:00Z"


def test_whoever_pauses_before_the_open_does_not_buy_though_he_resumes(market, deployment):
    market.decide(deployment, FRIDAY, 100)
    market.go(at(26, 5))
    deployment_pause(deployment=deployment)
    market.look(at(26, 6))
    deployment_resume(deployment=deployment, now=market.now)
    market.look(opens(TUESDAY))
    assert orders() == []
    tick = DeploymentTick.objects.get()
    assert (tick.pending, [note["code"] for note in tick.notes]) == (False, ["opens_withdrawn"])


def test_what_is_stopped_before_the_open_does_not_buy_though_it_is_started_again(
    market, deployment
):
    market.decide(deployment, FRIDAY, 100)
    deployment_stop(deployment=deployment)
    deployment_finish(deployment_id=deployment.id)
    market.go(at(26, 5))
    deployment.refresh_from_db()
    deployment_start(deployment=deployment)
    deployment_begin(deployment=deployment, now=market.now)
    market.look(opens(TUESDAY))
    deployment.refresh_from_db()
    assert (deployment.state, orders()) == (DeploymentState.RUNNING, [])


def test_the_kill_switch_takes_back_what_waits_for_the_open(market, deployment):
    market.decide(deployment, FRIDAY, 100)
    kill_switch(account_ids=[market.account.id], reason="test")
    BrokerAccount.objects.update(state="active")
    market.look(opens(TUESDAY))
    assert orders() == []


@pytest.mark.parametrize("paused", [False, True])
def test_an_exit_waits_for_the_open_and_goes_whoever_pauses(market, holding, paused):
    market.decide(holding, TUESDAY, 101, 110)
    if paused:
        holding.refresh_from_db()
        deployment_pause(deployment=holding)
    market.look(at(TUESDAY, 12))
    assert orders()[1:] == [("sell", "stop", "canceled")]
    market.look(opens(WEDNESDAY))
    assert orders()[2:] == [("sell", "market", "filled")]
    assert (position_of(holding), market.broker.exchange.positions()) == (0, {})


def test_a_stop_that_ended_with_the_day_lies_there_again_at_the_open(market, holding):
    market.decide(holding, TUESDAY, 101, 103)
    market.look(at(TUESDAY, 12))
    assert orders()[1:] == [("sell", "stop", "canceled")]
    assert BookEntry.objects.filter(kind="lapsed").count() == 1
    holding.refresh_from_db()
    assert holding.retry_at == opens(WEDNESDAY)
    market.look(opens(WEDNESDAY) - SECOND)
    assert market.sent() == 2
    market.look(opens(WEDNESDAY))
    assert orders()[2:] == [("sell", "stop", "accepted")]
    assert Order.objects.latest("created_at").stop_price == Decimal("90.9")


def test_a_stop_that_is_to_move_does_so_at_the_open(market, holding):
    market.look(closes(TUESDAY))
    Order.objects.filter(status="accepted").update(stop_price=Decimal(80))
    Deployment.objects.update(retry_at=market.now)
    market.look(closes(TUESDAY))
    assert not [path for method, path in market.broker.requests if method == "PUT"]
    holding.refresh_from_db()
    assert holding.retry_at == opens(WEDNESDAY)
    market.look(opens(WEDNESDAY))
    assert Order.objects.get(status="accepted").stop_price == Decimal("90.9")


@pytest.mark.parametrize("paused", [False, True])
def test_an_order_that_waits_for_its_price_is_placed_at_the_open(market, paused):
    graph = graph_leaving()
    (entry,) = [node["id"] for node in graph["nodes"] if node["type"] == "entry"]
    limit = {"type": "offset_percent", "value": -0.02}
    buy = {"operation": "buy", "order_type": "limit", "price": limit, "size": UNITS}
    graph["nodes"].append({"id": "buy", "type": "action", "params": buy})
    ports = {"source_port": "exec", "target_port": "exec"}
    graph["edges"].append({"source": entry, "target": "buy"} | ports)
    deployment = market.deploy(graph)
    market.decide(deployment, FRIDAY, 100)
    market.look(at(26, 5))
    assert (orders(), market.sent()) == ([], 0)
    if paused:
        deployment_pause(deployment=deployment)
    market.look(opens(TUESDAY))
    assert orders() == ([] if paused else [("buy", "limit", "accepted")])
    market.look(opens(TUESDAY) + SECOND)
    assert market.sent() == (0 if paused else 1)
    if not paused:
        assert Order.objects.get().limit_price == 98


def test_a_take_profit_that_was_reached_is_sold_at_the_open(market):
    deployment = market.deploy(graph_guarded())
    market.decide(deployment, FRIDAY, 100)
    market.look(opens(TUESDAY))
    assert orders() == [("buy", "market", "filled"), ("sell", "stop", "accepted")]
    # Three hundredths above 100 is reached, and the stop ended with the day.
    market.decide(deployment, TUESDAY, 100, 104)
    market.look(at(TUESDAY, 12))
    assert orders()[1:] == [("sell", "stop", "canceled")]
    market.look(opens(WEDNESDAY))
    assert orders()[2:] == [("sell", "market", "filled")]
    assert (position_of(deployment), market.broker.exchange.positions()) == (0, {})


def test_a_liquidation_says_when_it_will_sell_and_does(market, holding):
    market.decide(holding, TUESDAY, 101, 103)
    market.look(at(TUESDAY, 12))
    deployment_stop(deployment=holding, liquidate=True)
    for moment in (at(TUESDAY, 12), opens(WEDNESDAY) - SECOND):
        market.go(moment)
        deployment_finish(deployment_id=holding.id)
    holding.refresh_from_db()
    assert (holding.state, orders()[2:]) == ("stopping", [])
    assert "from 2026-01-28 03:45 UTC on" in holding.state_reason
    market.go(opens(WEDNESDAY))
    for _ in range(2):
        deployment_finish(deployment_id=holding.id)
        account_send(account_id=market.account.id)
    deployment_finish(deployment_id=holding.id)
    holding.refresh_from_db()
    assert (holding.state, position_of(holding)) == ("stopped", 0)


def test_where_a_broker_queues_orders_they_leave_at_once(market, deployment, monkeypatch):
    adapter = ADAPTERS.get("zerodha")
    can = replace(adapter.capabilities, usual=replace(adapter.capabilities.usual, queues=True))
    monkeypatch.setattr(type(adapter), "capabilities", can)
    monkeypatch.setattr(market.broker.exchange, "place", market._place)
    tick = market.decide(deployment, FRIDAY, 100)
    assert (tick.pending, orders()) == (False, [("buy", "market", "accepted")])
