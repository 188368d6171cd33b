"""Options at a broker: the contracts it lists, leg after leg, while its market is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.utils import timezone

from brokers.changing import order_change, order_refresh
from brokers.deployments import option_placing
from brokers.deployments.contracts import contracts_forget
from brokers.deployments.following import deployment_follow
from brokers.deployments.services import (
    deployment_begin,
    deployment_pause,
    deployment_resume,
    deployment_start,
    deployment_stop,
)
from brokers.deployments.stopping import deployment_finish, position_of
from brokers.deployments.ticking import deployment_tick
from brokers.dispatch import account_send
from brokers.models import BookEntry, BrokerAccount, DeploymentTick, Order
from brokers.reconciling import account_reconcile
from core.engine.bars import Bars
from core.options.result import OptionExitReason
from market.calendars import is_open
from market.models import Instrument
from tests.brokers.at_alpaca import alpaca_account, alpaca_served
from tests.brokers.deployments.option_graphs import graph
from tests.brokers.deployments.replaying import DAY_NS, Venue
from tests.brokers.deployments.test_option_faults import SPREAD, VERTICAL, net
from tests.venue.exchange import Refusal
from tests.venue.options import Listed

AT, LENGTH = 30, 33
# Those that the rule means, in 21 days, and others beside them.
NEAR, FAR = (datetime.now(UTC).date() + timedelta(days=days) for days in (25, 60))


def bars_until_today():
    """Closes of 99 and of 96 by turns, the bar `AT` being that of yesterday."""
    wave = np.where(np.arange(LENGTH) % 2, 96.0, 99.0)
    today = int(timezone.now().timestamp()) // 86_400 * 86_400 * 10**9
    return Bars.from_arrays(
        ts=today + (np.arange(LENGTH) - AT - 1) * DAY_NS,
        open=wave,
        high=wave + 1,
        low=wave - 1,
        close=wave,
        volume=np.ones(LENGTH),
    )


@pytest.fixture(autouse=True)
def forgotten():
    contracts_forget()
    yield
    contracts_forget()


@pytest.fixture
def broker(settings):
    with alpaca_served(settings, "REPLAY") as broker:
        contracts = [
            Listed("REPLAY", expiry, right, Decimal(strike))
            for expiry in (NEAR, FAR)
            for right in "PC"
            for strike in (80, 87, 92, 99, 103, 110)
        ]
        broker.exchange.list(contracts, lambda one: one.symbol)
        yield broker


@pytest.fixture
def venue(user, broker):
    venue = Venue(user, bars_until_today(), asset_class="equity")
    venue.account = alpaca_account(user)
    venue.past(AT)
    return venue


@pytest.fixture
def deployment(venue):
    return venue.deploy(SPREAD, at=AT)


def tick(venue, deployment, at=AT):
    venue.opens(at)
    venue.trades(at)
    found = deployment_tick(deployment_id=deployment.id, now=venue.over(at))
    account_send(account_id=venue.account.id)
    return found


def look(venue, deployment, at=AT):
    deployment_follow(deployment_id=deployment.id, now=venue.over(at))
    account_send(account_id=venue.account.id)


def all_orders():
    rows = Order.objects.order_by("created_at", "leg")
    return [(row.symbol[-9:], row.side, row.status) for row in rows]


def legs():
    return [row for row in all_orders() if row[0] != "REPLAY"]


def test_legs_are_listed_contracts_and_sales_wait_for_purchases(venue, broker, deployment):
    found = tick(venue, deployment)
    assert (found.status, found.notes) == ("decided", [])
    # Nearest to 99 and to 10 below it of what there is; by the rule of backtests 99 and 89.
    assert legs() == [("P00099000", "buy", "accepted")]
    assert DeploymentTick.objects.get().pending
    look(venue, deployment)
    assert legs() == [("P00099000", "buy", "filled"), ("P00087000", "short", "accepted")]
    look(venue, deployment)
    assert {symbol[6:12] for symbol in net()} == {f"{NEAR:%y%m%d}"}
    assert sorted(net().values()) == [-1, 1]
    assert not DeploymentTick.objects.filter(pending=True).exists()
    asked = [path for _, path in broker.requests if "contracts" in path]
    assert len(asked) == 1
    tick(venue, deployment, AT + 1)
    assert len(legs()) == 2


def test_a_purchase_that_is_refused_has_nothing_sold(venue, broker, deployment, monkeypatch):
    def refused(**_order):
        raise Refusal("halted", "trading is halted")

    monkeypatch.setattr(broker.exchange, "place", refused)
    tick(venue, deployment)
    for _ in range(2):
        look(venue, deployment)
    assert legs() == [("P00099000", "buy", "rejected")]
    assert not DeploymentTick.objects.filter(pending=True).exists()


def test_a_sale_that_is_refused_has_the_purchase_sold_again(venue, broker, deployment, monkeypatch):
    tick(venue, deployment)

    def refused(**_order):
        raise Refusal("uncovered", "not eligible")

    with monkeypatch.context() as patch:
        patch.setattr(broker.exchange, "place", refused)
        look(venue, deployment)
    for _ in range(3):
        look(venue, deployment)
    assert legs() == [
        ("P00099000", "buy", "filled"),
        ("P00087000", "short", "rejected"),
        ("P00099000", "sell", "filled"),
    ]
    assert net() == {}


def test_a_short_leg_that_cannot_be_bought_back_keeps_what_covers_it(
    venue, broker, deployment, patient
):
    tick(venue, deployment)
    for _ in range(3):
        look(venue, deployment)
    assert sorted(net().values()) == [-1, 1]
    deployment_stop(deployment=deployment, liquidate=True)
    broker.faults.next("submit", "rate_limit")
    for _ in range(3):
        deployment_finish(deployment_id=deployment.id)
        account_send(account_id=venue.account.id)
    assert legs()[2:] == [("P00087000", "cover", "rejected")]
    ago = timezone.now() - timedelta(minutes=5)
    Order.objects.filter(status="rejected").update(finished_at=ago)
    for _ in range(4):
        deployment_finish(deployment_id=deployment.id)
        account_send(account_id=venue.account.id)
    assert legs()[3:] == [("P00087000", "cover", "filled"), ("P00099000", "sell", "filled")]
    deployment.refresh_from_db()
    assert (deployment.state, net()) == ("stopped", {})


def test_a_pause_between_two_legs_has_the_other_one_follow(venue, broker, deployment):
    tick(venue, deployment)
    order_refresh(Order.objects.get())
    assert legs() == [("P00099000", "buy", "filled")]
    deployment_pause(deployment=deployment)
    for _ in range(3):
        look(venue, deployment)
    assert legs()[1:] == [("P00087000", "short", "filled")]
    assert sorted(net().values()) == [-1, 1]
    assert not DeploymentTick.objects.filter(pending=True).exists()


def test_a_pause_leaves_the_other_leg_that_lies_at_the_broker(venue, broker, deployment):
    tick(venue, deployment)
    broker.exchange.fills_at_once = False
    look(venue, deployment)
    deployment_pause(deployment=deployment)
    for order in Order.objects.filter(cancel_requested_at__isnull=False):
        order_change(order_id=order.id)
    look(venue, deployment)
    assert legs()[1:] == [("P00087000", "short", "accepted")]
    broker.exchange.tick(Order.objects.get(side="short").symbol, Decimal("2.5"))
    look(venue, deployment)
    assert sorted(net().values()) == [-1, 1]


@pytest.mark.parametrize("resumed", [False, True])
def test_a_pause_before_the_first_leg_is_had_opens_nothing(venue, broker, deployment, resumed):
    broker.exchange.fills_at_once = False
    tick(venue, deployment)
    deployment_pause(deployment=deployment)
    order_change(order_id=Order.objects.get().id)
    if resumed:
        deployment_resume(deployment=deployment, now=venue.over(AT))
    for _ in range(3):
        look(venue, deployment)
    assert (legs(), net()) == ([("P00099000", "buy", "canceled")], {})


@pytest.mark.parametrize("resumed", [False, True])
def test_legs_that_wait_for_the_market_are_taken_back_by_a_pause(
    venue, deployment, monkeypatch, resumed
):
    closed = [True]
    monkeypatch.setattr(option_placing, "is_open", lambda *_: not closed)
    tick(venue, deployment)
    deployment_pause(deployment=deployment)
    if resumed:
        deployment_resume(deployment=deployment, now=venue.over(AT))
    closed.clear()
    look(venue, deployment)
    assert (legs(), DeploymentTick.objects.get().pending) == ([], False)


def test_legs_that_close_go_on_while_it_is_paused(venue, broker, monkeypatch):
    shut = graph(
        [
            ("high", "condition", {"operator": "gt", "right": 98}),
            ("low", "condition", {"operator": "lt", "right": 98}),
            ("spread", "action", VERTICAL),
            ("out", "action", {"operation": "close_options"}),
        ],
        [
            ("close", "high", "left"), ("close", "low", "left"),
            ("high", "spread", "when"), ("low", "out", "when"),
        ],
    )  # fmt: skip
    deployment = venue.deploy(shut, at=AT)
    tick(venue, deployment)
    for _ in range(3):
        look(venue, deployment)
    assert sorted(net().values()) == [-1, 1]
    closed = [True]
    monkeypatch.setattr(option_placing, "is_open", lambda *_: not closed)
    tick(venue, deployment, AT + 1)
    deployment_pause(deployment=deployment)
    closed.clear()
    for _ in range(4):
        look(venue, deployment, AT + 1)
    assert legs()[2:] == [("P00087000", "cover", "filled"), ("P00099000", "sell", "filled")]
    assert net() == {}


COVERED = graph(
    [
        ("high", "condition", {"operator": "gt", "right": 98}),
        ("low", "condition", {"operator": "lt", "right": 98}),
        ("buy", "entry", {"side": "long"}),
        ("call", "action", {"operation": "covered_call", "expiry": {"dte": 21}}),
        ("out", "action", {"operation": "close"}),
    ],
    [
        ("close", "high", "left"),
        ("close", "low", "left"),
        ("high", "buy", "when"),
        ("high", "call", "when"),
        ("low", "out", "when"),
    ],
)


def test_calls_are_sold_when_their_shares_are_there_and_bought_back_before_they_go(venue, broker):
    deployment = venue.deploy(COVERED, at=AT)
    tick(venue, deployment)
    for _ in range(3):
        look(venue, deployment)
    assert all_orders() == [("REPLAY", "buy", "filled"), ("C00099000", "short", "filled")]
    tick(venue, deployment, AT + 1)
    assert all_orders()[2:] == [("C00099000", "cover", "accepted")]
    for _ in range(3):
        look(venue, deployment, AT + 1)
    assert all_orders()[2:] == [("C00099000", "cover", "filled"), ("REPLAY", "sell", "filled")]
    assert broker.exchange.positions() == {}


@pytest.fixture
def assigned(venue, broker, monkeypatch):
    """A deployment whose put was assigned."""
    monkeypatch.setattr("brokers.reconciling.LOOK_AGAIN_S", 0.0)
    put = {"operation": "cash_secured_put", "expiry": {"dte": 21}}
    deployment = venue.deploy(graph([("put", "action", put)], [("always", "put", "when")]), at=AT)
    tick(venue, deployment)
    look(venue, deployment)
    assert legs() == [("P00099000", "short", "filled")]
    # Whoever holds the put exercises it: the broker shows shares in its place.
    monkeypatch.setattr(broker.exchange, "positions", lambda: {"REPLAY": Decimal(100)})
    BrokerAccount.objects.update(sender_until=None)
    account_reconcile(account_id=venue.account.id)
    return deployment


def test_shares_that_an_assignment_brought_are_the_deployments(venue, assigned):
    deployment = assigned
    venue.account.refresh_from_db()
    assert (venue.account.state, position_of(deployment)) == ("active", 0)
    found = tick(venue, deployment, AT + 1)
    assert (found.position, found.decision["options"]["held"]) == (100.0, [])
    ended, delivered = BookEntry.objects.filter(kind__in=["settled", "delivery"]).order_by("-kind")
    assert (ended.price, ended.reason) == (0, OptionExitReason.ASSIGNED)
    assert (delivered.side, delivered.quantity, delivered.price) == (1, 100, 99)
    # What the premium was and what the shares have lost since is all there is.
    assert found.equity == pytest.approx(100_000 + 250 + 100 * (96 - 99))


def test_what_an_assignment_brought_is_sold_where_no_rule_trades_shares(venue, assigned):
    deployment_stop(deployment=assigned, liquidate=True)
    for _ in range(2):
        deployment_finish(deployment_id=assigned.id)
        account_send(account_id=venue.account.id)
    assigned.refresh_from_db()
    assert (assigned.state, position_of(assigned)) == ("stopped", 0)
    assert all_orders()[-1] == ("REPLAY", "sell", "filled")
    # What was sold is known when it goes on.
    deployment_start(deployment=assigned)
    deployment_begin(deployment=assigned, now=venue.over(AT))
    found = tick(venue, assigned, AT + 1)
    assert (found.status, found.position) == ("decided", 0)


def test_without_the_list_nothing_is_opened_and_the_tick_says_so(venue, broker, deployment):
    broker.faults.next("list", "error_before")
    found = tick(venue, deployment)
    assert found.status == "decided"
    assert [note["code"] for note in found.notes] == ["contracts_unavailable"]
    assert found.decision["options"]["refused"] == [
        {"node_id": "spread", "reason": "contracts_unavailable"}
    ]
    assert legs() == []
    contracts_forget()  # a minute later
    assert tick(venue, deployment, AT + 1).notes == []
    assert len(legs()) == 1


def test_legs_wait_for_the_market_to_open(venue, deployment, monkeypatch):
    open_now = []
    monkeypatch.setattr(option_placing, "is_open", lambda *_: bool(open_now))
    tick(venue, deployment)
    look(venue, deployment)
    assert legs() == []
    assert DeploymentTick.objects.get().pending
    open_now.append(True)
    contracts_forget()  # another process does not know the list
    for _ in range(3):
        look(venue, deployment)
    assert [leg[1:] for leg in legs()] == [("buy", "filled"), ("short", "filled")]


@pytest.mark.parametrize(
    ("moment", "trades"),
    [
        ("2024-01-19T14:29:59", False),
        ("2024-01-19T14:30:00", True),
        ("2024-01-19T20:59:59", True),
        ("2024-01-19T21:00:00", False),
        ("2024-01-20T16:00:00", False),
        ("2024-11-29T18:00:00", False),  # a half day
    ],
)
def test_a_session_is_from_open_to_close(moment, trades):
    share = Instrument(symbol="AAPL", calendar="XNYS", timezone="America/New_York")
    assert is_open(share, datetime.fromisoformat(moment).replace(tzinfo=UTC)) is trades
