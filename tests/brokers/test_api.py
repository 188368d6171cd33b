"""The trading endpoints, as their owner and as somebody else."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from brokers.dispatch import order_submit
from brokers.models import BrokerAccount, Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_bars")]
API = "/api/v1"
BODY = {"symbol": "goog", "trade_type": "buy", "quantity": "10", "client_order_id": "my-1"}


def execute(client, **changes):
    return client.post(f"{API}/trades/execute", BODY | changes, format="json")


def test_an_order_is_accepted_executed_and_shown(client):
    answer = execute(client)
    assert answer.status_code == 202, answer.json()
    trade = answer.json()
    assert answer.headers["Location"] == f"{API}/trades/{trade['trade_id']}/"
    assert (trade["status"], trade["symbol"], trade["executed_price"]) == ("created", "GOOG", None)

    order_submit(order_id=Order.objects.get().id)
    shown = client.get(answer.headers["Location"]).json()
    assert (shown["status"], shown["executed_price"]) == ("filled", "806.19")
    assert shown["quantity"] == shown["filled_quantity"] == "10"

    account = f"{API}/broker-accounts/{shown['account_id']}"
    (position,) = client.get(f"{account}/positions").json()["results"]
    assert (position["quantity"], position["market_value"]) == ("10", "8061.9")
    assert position["latest"]["price"] == "806.19"
    assert client.get(f"{account}/fills").json()["results"][0]["price"] == "806.19"
    assert len(client.get(f"{account}/orders/").json()["results"]) == 1
    assert client.get(f"{API}/trades?status=filled&symbol=goog").json()["results"] == [shown]


def test_posting_it_twice_makes_one_order(client):
    assert execute(client).json()["trade_id"] == execute(client).json()["trade_id"]
    assert execute(client, quantity="11").status_code == 409


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "1e30"}, "quantity"),
        ({"trade_type": "hold"}, "trade_type"),
        ({"order_type": "limit"}, "limit_price"),
        ({"client_order_id": "a b"}, "client_order_id"),
        ({"strategy_id": "7"}, "strategy_id"),
    ],
)
def test_bad_input_is_422_and_names_the_field(client, changes, path):
    answer = execute(client, **changes)
    assert answer.status_code == 422
    assert answer.json()["details"][0]["path"] == path
    assert not Order.objects.exists()


def test_an_unknown_symbol_is_422_and_says_how_to_go_on(client):
    answer = execute(client, symbol="NOPE")
    assert answer.status_code == 422
    assert "NOPE" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "trades/{order}"),
        ("post", "trades/{order}/cancel"),
        ("get", "broker-accounts/{account}"),
        ("get", "broker-accounts/{account}/positions"),
        ("get", "broker-accounts/{account}/orders"),
        ("get", "broker-accounts/{account}/fills"),
    ],
)
def test_what_is_anothers_is_not_there(client, other, method, path):
    execute(client)
    ids = {"order": Order.objects.get().id, "account": BrokerAccount.objects.get().id}
    stranger = APIClient()
    stranger.force_authenticate(other)
    assert getattr(stranger, method)(f"{API}/{path.format(**ids)}").status_code == 404
    assert execute(stranger, account_id=str(ids["account"])).status_code == 404


def test_the_list_costs_the_same_queries_for_one_order_and_for_many(
    client, django_assert_num_queries
):
    for number in range(4):
        execute(client, client_order_id=f"n-{number}")
    with django_assert_num_queries(1):
        assert len(client.get(f"{API}/trades").json()["results"]) == 4


def test_words_may_be_capitalised_and_a_wrong_one_lists_the_right_ones(client):
    trade = execute(client, trade_type="BUY", order_type=" Market ").json()
    assert (trade["trade_type"], trade["order_type"]) == ("buy", "market")
    message = execute(client, trade_type="hold").json()["details"][0]["message"]
    assert message == '"hold" is not possible: use buy, sell, short, cover.'
    message = execute(client, quantity="-1").json()["details"][0]["message"]
    assert message == "It must be above zero."
