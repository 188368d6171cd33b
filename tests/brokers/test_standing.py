"""What says that it reduces a position does, by what is held and promised."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from brokers.access import access_of, ref_of
from brokers.adapters.base import VenuePosition
from brokers.choices import OrderStatus, Side
from brokers.external import adoptions, position_adopt
from brokers.models import BrokerAccount, Order, Position, RiskDecision
from brokers.recording import venue_order_record
from brokers.risk.standing import Standing
from brokers.services.intents import Intent, intent_create
from tests.brokers.ordering import fresh, sent

pytestmark = pytest.mark.django_db
D = Decimal


def holding(account, units, symbol="ACME"):
    """Have an account hold units, as its broker's own word."""
    BrokerAccount.objects.filter(id=account.id).update(reconciled_at=timezone.now())
    position_adopt(
        account=account,
        position=VenuePosition(symbol, D(units), D(100)),
        difference=D(units),
        number=adoptions(account)[symbol],
    )


def exits(account, quantity, deployment_id, side=Side.SELL, node="exit"):
    intent = Intent(
        deployment_id=deployment_id, bar_ts=timezone.now(), node=node, symbol="ACME",
        side=side, quantity=D(quantity),
    )  # fmt: skip
    return fresh(intent_create(account=account, intent=intent))


def booked(account, venue, quantity, deployment_id, side):
    """Have a deployment trade, and its fills and the position be there."""
    order = sent(exits(account, quantity, deployment_id, side=side, node=f"entry-{side}"))
    venue_order_record(order_id=order.id, venue=venue.find(access_of(order.account), ref_of(order)))
    assert fresh(order).status == OrderStatus.FILLED


@pytest.mark.parametrize(
    ("side", "held", "code", "says"),
    [
        (Side.SELL, 10, "not_held", "holds 10 ACME: sell at most 10, or use trade type short"),
        (Side.COVER, -10, "not_short", "is short of 10 ACME: cover at most 10"),
        (Side.SELL, -10, "not_held", "holds 0 ACME"),
    ],
)
def test_more_than_is_held_opens_and_is_denied(place, account, side, held, code, says):
    holding(account, held)
    order = fresh(place(side=side, quantity=11))
    assert (order.status, order.reason_code) == (OrderStatus.DENIED, code)
    assert says in order.reason
    if held * (1 if side == Side.SELL else -1) > 0:
        assert fresh(place(side=side, quantity=10)).status == OrderStatus.CREATED


def test_an_account_that_may_only_reduce_sells_no_more_than_it_holds(place, account, venue):
    holding(account, 10)
    BrokerAccount.objects.update(state="reducing")
    assert fresh(place(side=Side.SELL, quantity=1000)).reason_code == "not_held"
    assert place(side=Side.SELL, quantity=10).status == OrderStatus.CREATED


def test_what_open_orders_are_to_sell_is_not_sold_again_by_hand(place, account):
    holding(account, 10)
    assert place(side=Side.SELL, quantity=6, limit="120").status == OrderStatus.CREATED
    second = fresh(place(side=Side.SELL, quantity=5))
    assert (second.status, second.reason_code) == (OrderStatus.DENIED, "not_held")
    assert "open orders are to sell 6 of them: sell at most 4" in second.reason
    assert RiskDecision.objects.get(order=second).facts == {
        "position": {"held": "10.00000000", "promised": "6.00000000"}
    }
    assert place(side=Side.SELL, quantity=4).status == OrderStatus.CREATED


def test_exits_of_a_deployment_lie_beside_each_other(place, account):
    holding(account, 10)
    deployment_id = uuid4()
    for node in ("stop", "take"):
        assert exits(account, 10, deployment_id, node=node).status == OrderStatus.CREATED
    assert exits(account, 11, deployment_id, node="more").reason_code == "not_held"


def test_what_is_held_is_asked_for_once_and_only_for_exits(account, django_assert_num_queries):
    holding(account, 10)
    accounts = {account.id: BrokerAccount.objects.get(id=account.id)}
    orders = [
        Order(account=account, symbol="ACME", side=side, quantity=D(1), deployment_id=uuid4())
        for side in (Side.BUY, Side.SHORT, Side.SELL, Side.SELL)
    ]
    with django_assert_num_queries(0):
        Standing(orders[:2], accounts)
    with django_assert_num_queries(1):
        standing = Standing(orders, accounts)
        assert [standing.room(order) is None for order in orders] == [True, True, False, False]


def test_deployments_on_both_sides_of_a_symbol_each_get_out(place, account, venue):
    long, short = uuid4(), uuid4()
    BrokerAccount.objects.update(reconciled_at=timezone.now())
    booked(account, venue, 10, long, Side.BUY)
    booked(account, venue, 10, short, Side.SHORT)
    assert Position.objects.get().quantity == 0
    assert exits(account, 10, long).status == OrderStatus.CREATED
    assert exits(account, 11, long, node="more").reason_code == "not_held"
    assert exits(account, 10, short, side=Side.COVER).status == OrderStatus.CREATED
    assert exits(account, 1, uuid4()).reason_code == "not_held"


@pytest.mark.parametrize(
    ("by_hand", "status"), [(Side.SHORT, OrderStatus.CREATED), (Side.SELL, OrderStatus.DENIED)]
)
def test_what_is_sold_by_hand_of_a_deployment_is_gone_for_it(
    place, account, venue, by_hand, status
):
    deployment_id = uuid4()
    BrokerAccount.objects.update(reconciled_at=timezone.now())
    booked(account, venue, 10, deployment_id, Side.BUY)
    order = sent(place(side=by_hand, quantity=4))
    venue_order_record(order_id=order.id, venue=venue.find(access_of(account), ref_of(order)))
    assert Position.objects.get().quantity == 6
    assert exits(account, 10, deployment_id).status == status
    assert exits(account, 6, deployment_id, node="less").status == OrderStatus.CREATED


def test_what_is_gone_when_it_is_sent_is_not_sold(place, account, venue):
    holding(account, 10)
    order = place(side=Side.SELL, quantity=10)
    holding(account, -10)
    assert sent(order).reason_code == "not_held"
    assert not venue.sent


def test_before_the_first_look_at_a_broker_its_word_counts_and_then_what_is_there(
    place, account, venue, django_assert_num_queries
):
    order = place(side=Side.SELL, quantity=10)
    assert order.status == OrderStatus.CREATED
    assert sent(order).reason_code == "not_held"
    assert not venue.sent


def test_a_wallet_may_hold_more_than_is_known(place, account, venue):
    venue.capabilities = replace(venue.capabilities, wallet=True)
    BrokerAccount.objects.update(reconciled_at=timezone.now())
    assert sent(place(side=Side.SELL, quantity=3)).status == OrderStatus.ACCEPTED
