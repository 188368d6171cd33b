"""What may go wrong around the legs of a position: placed once, never left half open."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from brokers.changing import order_change
from brokers.deployments import drifting, ticking
from brokers.deployments.books import books_forget
from brokers.deployments.contracts import contracts_forget
from brokers.deployments.drifting import drift_compare
from brokers.deployments.following import deployment_follow
from brokers.deployments.services import deployment_create, deployment_pause, deployment_stop
from brokers.deployments.stopping import deployment_finish, position_of
from brokers.deployments.ticking import deployment_tick
from brokers.dispatch import account_send
from brokers.models import BookEntry, BrokerAccount, Deployment, DeploymentTick, Order, RiskLimit
from brokers.services.orders import order_cancel
from core.errors import InvalidInput
from notifications.models import Alert, AlertRule
from strategies.services import strategy_create
from tests.brokers.deployments.option_graphs import graph
from tests.brokers.deployments.replaying import Venue, bars_random

VERTICAL = {
    "operation": "vertical",
    "right": "put",
    "side": "buy",
    "width": 10,
    "expiry": {"dte": 21, "policy": "nearest"},
}
SPREAD = graph([("spread", "action", VERTICAL)], [("always", "spread", "when")])
AT = 30


@pytest.fixture(autouse=True)
def forgotten():
    contracts_forget()
    yield
    contracts_forget()


def deployed(user, *, bars=45):
    venue = Venue(user, bars_random(bars))
    venue.past(AT)
    return venue, venue.deploy(SPREAD, at=AT)


def decided(venue, deployment, at):
    venue.opens(at)
    venue.trades(at)
    return deployment_tick(deployment_id=deployment.id, now=venue.over(at))


def legs():
    return list(Order.objects.filter(asset_type="option").order_by("created_at", "leg"))


def net():
    """Contracts by symbol, as the fills of the orders leave them."""
    found = {}
    for order in legs():
        sign = 1 if order.side in ("buy", "cover") else -1
        found[order.symbol] = found.get(order.symbol, 0) + sign * order.filled_quantity
    return {symbol: units for symbol, units in found.items() if units}


def test_a_bar_places_each_leg_once_however_often_it_is_looked_at(user):
    venue, deployment = deployed(user)
    tick = venue.bar(deployment, AT)
    assert [(leg.side, leg.leg, leg.order_type) for leg in legs()] == [
        ("buy", 0, "market"),
        ("short", 1, "market"),
    ]
    assert {leg.node.split("#")[0] for leg in legs()} == {"spread"}
    shown = tick.decision["options"]["orders"]
    assert [(one["symbol"], one["right"], one["role"]) for one in shown] == [
        (leg.symbol, "put", "open") for leg in legs()
    ]
    assert {one["expiry"] for one in shown} == {"2024-02-23"}
    books_forget()
    contracts_forget()
    assert deployment_tick(deployment_id=deployment.id, now=venue.over(AT)) is None
    deployment_follow(deployment_id=deployment.id, now=venue.over(AT))
    venue.bar(deployment, AT + 1)
    venue.bar(deployment, AT + 2)
    assert len(legs()) == 2
    assert sorted(net().values()) == [-1, 1]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_place_one_position(user):
    venue, deployment = deployed(user)
    venue.opens(AT)
    venue.trades(AT)

    def work(_):
        try:
            return deployment_tick(deployment_id=deployment.id, now=venue.over(AT))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        ticks = [tick for tick in pool.map(work, range(4)) if tick is not None]
    assert (len(ticks), len(legs())) == (1, 2)


def test_a_worker_that_dies_between_tick_and_legs_leaves_neither(user, monkeypatch):
    venue, deployment = deployed(user)
    venue.opens(AT)
    venue.trades(AT)

    class Killed(BaseException):
        pass

    def die(*_args):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ticking, "ticks_tell", die)
        with pytest.raises(Killed):
            deployment_tick(deployment_id=deployment.id, now=venue.over(AT))
    assert (DeploymentTick.objects.count(), legs()) == (0, [])
    assert deployment_tick(deployment_id=deployment.id, now=venue.over(AT)) is not None
    assert len(legs()) == 2


def test_nothing_is_sold_that_a_denied_purchase_was_to_cover(user):
    venue, deployment = deployed(user)
    # The limit reads the real clock, by which these contracts are worth what they are inside.
    RiskLimit.objects.create(owner=user, deployment_id=deployment.id, max_order_value=50)
    venue.bar(deployment, AT)
    (bought,) = legs()
    assert (bought.side, bought.status, bought.reason_code) == ("buy", "denied", "order_value")
    deployment_follow(deployment_id=deployment.id, now=venue.over(AT))
    assert not DeploymentTick.objects.filter(pending=True).exists()
    assert len(legs()) == 1


def test_a_purchase_is_taken_back_where_the_sale_is_denied(user):
    venue, deployment = deployed(user)
    RiskLimit.objects.create(owner=user, deployment_id=deployment.id, short_allowed=False)
    decided(venue, deployment, AT)
    account_send(account_id=venue.account.id)
    bought, sold = legs()
    assert (bought.status, sold.status) == ("accepted", "denied")
    deployment_follow(deployment_id=deployment.id, now=venue.over(AT))
    bought.refresh_from_db()
    assert (bought.status, net()) == ("canceled", {})
    assert Alert.objects.get(event="position.unwound").data["ticker"] == "REPLAY"


def test_a_leg_that_ends_unfilled_has_the_other_one_closed_at_once(user):
    venue, deployment = deployed(user)
    decided(venue, deployment, AT)
    account_send(account_id=venue.account.id)
    bought, sold = legs()
    order_cancel(order=bought)
    order_change(order_id=bought.id)
    # Nobody has looked before the open fills the other one: it is naked now.
    venue.opens(AT + 1)
    deployment_follow(deployment_id=deployment.id, now=venue.over(AT))
    assert net() == {sold.symbol: -1}
    *_, back = legs()
    assert (back.symbol, back.side, back.order_type) == (sold.symbol, "cover", "market")
    assert back.node.partition(":")[2].startswith("unwind@")
    assert Alert.objects.get(event="position.unwound").data["ticker"] == "REPLAY"
    account_send(account_id=venue.account.id)
    venue.trades(AT + 1)
    tick = decided(venue, deployment, AT + 1)
    assert net() == {}
    assert tick.decision["options"]["held"] == []
    assert BookEntry.objects.filter(kind="leg_end").count() == 1
    venue.bar(deployment, AT + 2)
    assert Order.objects.filter(side="cover").count() == 1


def test_users_with_a_rule_are_told_of_what_is_opened_and_closed(user):
    for event in ("signal.entry", "signal.exit"):
        AlertRule.objects.create(owner=user, event=event, name=event)
    venue = Venue(user, bars_random(45))
    venue.past(AT)
    closing = graph(
        [("condor", "action", {"operation": "straddle", "close_when": {"dte": 60}})],
        [("always", "condor", "when")],
    )
    deployment = venue.deploy(closing, at=AT)
    for at in range(AT, AT + 3):
        venue.bar(deployment, at)
    told = Alert.objects.filter(event__startswith="signal.").order_by("created_at", "event")
    assert [(one.event, one.data["node_id"]) for one in told] == [
        ("signal.entry", "condor"),
        ("signal.exit", "condor"),
        ("signal.entry", "condor"),
    ]


def test_a_deployment_that_is_paused_opens_nothing_it_had_decided(user):
    venue, deployment = deployed(user)
    decided(venue, deployment, AT)
    account_send(account_id=venue.account.id)
    deployment_pause(deployment=deployment)
    for order in legs():
        order_change(order_id=order.id)
    venue.opens(AT + 1)
    deployment_follow(deployment_id=deployment.id, now=venue.over(AT))
    assert [leg.status for leg in legs()] == ["canceled", "canceled"]
    assert net() == {}


def test_stopping_says_which_contracts_stay(user):
    venue, deployment = deployed(user)
    for at in range(AT, AT + 2):
        venue.bar(deployment, at)
    assert sorted(net().values()) == [-1, 1]
    deployment_stop(deployment=deployment)
    deployment_finish(deployment_id=deployment.id)
    deployment.refresh_from_db()
    assert deployment.state == "stopped"
    assert all(symbol in deployment.state_reason for symbol in net())


def test_stopping_with_liquidation_ends_without_contracts(user):
    venue, deployment = deployed(user)
    for at in range(AT, AT + 2):
        venue.bar(deployment, at)
    deployment_stop(deployment=deployment, liquidate=True)
    deployment_finish(deployment_id=deployment.id)
    account_send(account_id=venue.account.id)
    *_, first, second = legs()
    assert (first.side, second.side) == ("cover", "sell")
    venue.opens(AT + 2)
    for _ in range(2):
        deployment_finish(deployment_id=deployment.id)
    deployment.refresh_from_db()
    assert (deployment.state, net(), position_of(deployment)) == ("stopped", {}, 0)
    assert deployment.state_reason == ""
    assert len(legs()) == 4


def test_under_the_same_rules_options_do_not_drift(user):
    venue, deployment = deployed(user)
    for at in range(AT, AT + 5):
        venue.bar(deployment, at)
    reports = drift_compare(deployment=Deployment.objects.get(), now=venue.over(AT + 5))
    assert len(reports) == 5
    assert any(report.live_pnl for report in reports)
    assert all(abs(report.difference) < 1e-4 for report in reports)
    fills = [fill for report in reports for fill in report.detail["fills"]]
    assert {fill["symbol"] for fill in fills} == set(net())


def test_what_is_booked_while_a_session_is_compared_is_no_part_of_it(user, monkeypatch):
    """Neither shares without the contracts that they came for, nor these without the shares."""
    venue, deployment = deployed(user)
    for at in range(AT, AT + 3):
        venue.bar(deployment, at)
    rows = list(BookEntry.objects.all())
    BookEntry.objects.all().delete()
    compare, sessions = drifting.option_drift, []

    def late(*args):
        sessions.append(args)
        if len(sessions) == 2:
            BookEntry.objects.bulk_create(rows)
        return compare(*args)

    monkeypatch.setattr(drifting, "option_drift", late)
    _, second, _ = drift_compare(deployment=Deployment.objects.get(), now=venue.over(AT + 3))
    assert len(rows) == second.detail["fills_backtest"] == 2
    assert second.detail["fills_live"] == 0


def test_what_costs_more_than_in_the_backtest_is_slippage_and_fees(user):
    venue, deployment = deployed(user)
    options = {"minimum_spread": 0.5, "commission": {"per_unit": 5}}
    venue.account.paper_terms |= {"options": options}
    venue.account.save()
    for at in range(AT, AT + 3):
        venue.bar(deployment, at)
    _, opened, after = drift_compare(deployment=Deployment.objects.get(), now=venue.over(AT + 3))
    rows = BookEntry.objects.filter(kind="leg_open")
    fills = {fill["symbol"]: fill for fill in opened.detail["fills"]}
    wrong = sum(
        row.side * float(row.price) - row.side * fills[row.symbol]["backtest_price"] / 100
        for row in rows
    )
    assert wrong > 0.2
    assert opened.slippage == pytest.approx(-100 * wrong, abs=1e-3)
    assert opened.fees == pytest.approx(-2 * (5 - 0.65))
    assert (opened.signal, opened.timing, opened.data) == (0, 0, 0)
    assert after.difference == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "interval", "code"),
    [("binance", "1d", "options_unsupported"), ("paper", "1w", "interval_too_long")],
)
def test_where_there_are_no_options_nothing_is_deployed(user, kind, interval, code):
    venue = Venue(user, bars_random(40))
    account = BrokerAccount.objects.create(owner=user, kind=kind, name="Other")
    strategy = strategy_create(owner_id=user.id, name="Spread", graph=SPREAD)
    with pytest.raises(InvalidInput) as refusal:
        deployment_create(
            strategy=strategy,
            account=account,
            symbol=venue.symbol,
            interval=interval,
            capital=10_000,
        )
    assert refusal.value.code == code


def test_what_has_no_symbols_of_contracts_trades_no_options(user):
    venue = Venue(user, bars_random(40), symbol="A/B")
    strategy = strategy_create(owner_id=user.id, name="Spread", graph=SPREAD)
    with pytest.raises(InvalidInput, match="no symbol for contracts on A/B"):
        deployment_create(
            strategy=strategy, account=venue.account, symbol="A/B", interval="1d", capital=10_000
        )
