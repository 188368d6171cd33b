"""Options over the trading endpoints: by their symbol or their parts, and shown with them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_bars")]
API = "/api/v1"
PARTS = {"right": "put", "strike": "800", "expiry": "2049-01-15"}
PUT = "GOOG490115P00800000"
BODY = {"symbol": PUT, "asset_type": "option", "trade_type": "short", "quantity": "1"}


def execute(client, **changes):
    return client.post(f"{API}/trades/execute", BODY | changes, format="json")


def by_parts(client, *, without=(), **changes):
    body = BODY | {"symbol": "goog", "option": PARTS} | changes
    body = {name: value for name, value in body.items() if name not in without}
    return client.post(f"{API}/trades/execute", body, format="json")


def shown_put(price):
    return {
        "underlying": "GOOG", "right": "put", "strike": "800", "expiry": "2049-01-15",
        "multiplier": "100", "synthetic_prices": price,
    }  # fmt: skip


def test_a_put_is_sold_and_shown_as_what_it_is(client):
    trade = execute(client).json()
    assert (trade["symbol"], trade["asset_type"], trade["option"]) == (
        PUT, "option", shown_put(price=True),
    )  # fmt: skip
    account_send(account_id=BrokerAccount.objects.get().id)
    trade = client.get(f"{API}/trades/{trade['trade_id']}").json()
    assert trade["status"] == "filled", trade
    price = Decimal(trade["executed_price"])
    assert 0 < price < 800
    account = f"{API}/broker-accounts/{trade['account_id']}"
    (position,) = client.get(f"{account}/positions").json()["results"]
    assert (position["symbol"], position["quantity"], position["option"]) == (
        PUT, "-1", shown_put(price=True),
    )  # fmt: skip
    (fill,) = client.get(f"{account}/fills").json()["results"]
    assert (fill["option"], fill["commission"], fill["price"]) == (
        shown_put(price=True), "0.65", trade["executed_price"],
    )  # fmt: skip
    told = client.post(f"{account}/test").json()["balance"]
    assert Decimal(told["cash"]) == 100_000 + 100 * price - Decimal("0.65")
    # a fifth of 806.19 less what it is out of the money, and the model's price of it
    tied = Decimal(told["cash"]) - Decimal(told["buying_power"])
    naked = Decimal("806.19") / 5 - Decimal("6.19")
    assert naked * 100 < tied < (naked + price * Decimal("1.02")) * 100


def test_the_parts_of_a_contract_are_its_symbol(client):
    for answer in (by_parts(client), by_parts(client, without=["asset_type"])):
        assert answer.status_code == 202, answer.json()
        assert answer.json()["symbol"] == PUT
    half = by_parts(client, option=PARTS | {"right": "CALL", "strike": 802.5})
    assert half.json()["symbol"] == "GOOG490115C00802500"


def test_shares_are_no_option(client):
    trade = execute(client, symbol="GOOG", asset_type="stock", trade_type="buy").json()
    assert trade["option"] is None


@pytest.mark.parametrize(
    ("changes", "path", "says"),
    [
        ({"symbol": "GOOG"}, "symbol", "the strike in thousandths with eight digits"),
        ({"asset_type": "stock"}, "asset_type", "its asset_type is option"),
        ({"symbol": "GOOG130315P00800000"}, "symbol", "choose a later expiry"),
        ({"symbol": "NONE490115P00800000"}, "symbol", "not a known symbol"),
        ({"quantity": "1.5"}, "quantity", "Contracts are traded whole"),
        ({"option": PARTS}, "symbol", "the underlying, not of a contract"),
        ({"symbol": "A" * 33}, "symbol", "32"),
    ],
)
def test_a_contract_that_cannot_be_traded_is_422_and_says_why(client, changes, path, says):
    answer = execute(client, **changes)
    assert answer.status_code == 422
    fault = answer.json()["details"][0]
    assert fault["path"] == path
    assert says in fault["message"]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"option": PARTS | {"right": "both"}}, "option.right"),
        ({"option": PARTS | {"strike": "0"}}, "option.strike"),
        ({"option": PARTS | {"strike": "800.0001"}}, "option.strike"),
        ({"option": PARTS | {"strike": "100000"}}, "option.strike"),
        ({"option": PARTS | {"expiry": "soon"}}, "option.expiry"),
        ({"option": {}}, "option.right"),
        ({"option": PARTS, "asset_type": "stock"}, "asset_type"),
        ({"option": PARTS, "symbol": "EURUSD=X"}, "symbol"),
    ],
)
def test_parts_that_name_no_contract_are_422(client, changes, path):
    answer = by_parts(client, **changes)
    assert answer.status_code == 422
    assert answer.json()["details"][0]["path"] == path


def test_terms_of_options_are_checked_as_a_backtests(client):
    body = {"kind": "paper", "name": "P", "paper_terms": {"options": {"spread": 2, "stile": "a"}}}
    answer = client.post(f"{API}/broker-accounts", body, format="json")
    assert answer.status_code == 422
    paths = {fault["path"] for fault in answer.json()["details"]}
    assert paths == {"paper_terms.options.spread", "paper_terms.options.stile"}
    body["paper_terms"] = {"options": {"spread": 0.05, "commission": {"per_unit": 1}}}
    assert client.post(f"{API}/broker-accounts", body, format="json").status_code == 201


def test_nobody_else_sees_it(client, other):
    trade = execute(client).json()
    stranger = APIClient()
    stranger.force_authenticate(other)
    assert stranger.get(f"{API}/trades/{trade['trade_id']}").status_code == 404
    path = f"{API}/broker-accounts/{trade['account_id']}/positions"
    assert stranger.get(path).status_code == 404


def test_a_contract_is_shown_with_the_price_of_the_model(client):
    shown = client.get(f"{API}/market/{PUT}").json()
    assert (shown["symbol"], shown["asset_class"], shown["series"]) == (PUT, "option", [])
    assert (Decimal(shown["multiplier"]), shown["latest"]) == (100, None)
    assert shown["quote"]["provider"] == "model"
    assert 0 < Decimal(shown["quote"]["price"]) < 800


def test_trades_are_listed_by_what_their_contracts_are_on(client):
    put = execute(client).json()["trade_id"]
    execute(client, symbol="GOOG", asset_type="stock", trade_type="buy")
    for query, count in (
        ("underlying=goog", 1), ("underlying=GOO", 0), ("underlying=GOOG.", 0),
        ("asset_type=option", 1), ("asset_type=stock", 1), ("symbol=" + PUT.lower(), 1),
    ):  # fmt: skip
        found = client.get(f"{API}/trades?{query}").json()["results"]
        assert len(found) == count, query
        if "stock" not in query and count:
            assert found[0]["trade_id"] == put


def test_lists_of_contracts_ask_as_often_as_lists_of_one(client, django_assert_max_num_queries):
    for strike in (780, 790, 800):
        by_parts(client, option=PARTS | {"strike": strike})
    account_send(account_id=BrokerAccount.objects.get().id)
    account = f"{API}/broker-accounts/{BrokerAccount.objects.get().id}"
    # Positions are shown with what they are worth: the model's price, by the underlying's bars.
    for path, most in (("positions", 8), ("fills", 5), ("orders", 5)):
        for count in (1, 3):
            with django_assert_max_num_queries(most) as asked:
                shown = client.get(f"{account}/{path}?limit={count}").json()["results"]
            assert len(shown) == count
            if count == 1:
                alone = len(asked)
        assert len(asked) == alone, path
