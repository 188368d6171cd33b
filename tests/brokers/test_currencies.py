"""Currencies through the whole order path at a broker: names, steps, and whose money it is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.changing import order_change
from brokers.choices import AccountState, AssetType, OrderStatus, OrderType, Side
from brokers.deployments.placing import Desk
from brokers.models import BrokerAccount, Deployment, Order, Position
from brokers.reconciling import account_reconcile
from brokers.resolving import accounts_follow
from brokers.services.orders import order_cancel, order_create, order_replace
from core.errors import InvalidInput
from market.models import Instrument
from market.pairs import pair_alike, pair_of
from strategies.selectors import template_graph
from tests.brokers.at_interactive_brokers import gateway_account, gateway_served
from tests.brokers.deployments.replaying import Venue, bars_random
from tests.brokers.ordering import fresh, sent

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(settings):
    with gateway_served(settings, "EURUSD") as gateway:
        gateway.exchange.prices |= {"EURUSD": D("1.1"), "USDJPY": D("150.005")}
        gateway.exchange.listeners = [
            lambda event, _, trade: event == "trade" and setattr(trade, "commission", D(2))
        ]
        yield gateway


@pytest.fixture
def account(user, gateway):
    return gateway_account(user)


def instrument(symbol, **changes):
    fields = {"asset_class": "forex", "calendar": "24/5", "tick_size": D("0.00001")}
    return Instrument.objects.create(symbol=symbol, **(fields | changes))


def ordered(account, symbol="EURUSD", side=Side.BUY, quantity=30_000, limit=None, **changes):
    fields = {
        "symbol": symbol, "asset_type": AssetType.FOREX, "side": side, "quantity": D(quantity),
        "order_type": OrderType.LIMIT if limit else OrderType.MARKET,
        "limit_price": None if limit is None else D(limit),
    }  # fmt: skip
    return order_create(account=account, **(fields | changes))


def traded(account, *args, **changes):
    order = sent(ordered(account, *args, **changes))
    accounts_follow(account_ids=[account.id])
    return fresh(order)


def refusals(call):
    with pytest.raises(InvalidInput) as refused:
        call()
    assert not Order.objects.filter(status=OrderStatus.CREATED).exists()
    return {detail.code: detail for detail in refused.value.details}


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("EURUSD", ("EUR", "USD")), ("EUR/USD", ("EUR", "USD")), ("EURUSD=X", ("EUR", "USD")),
        ("EUR.USD", ("EUR", "USD")), ("GBP-JPY", ("GBP", "JPY")), ("JPY=X", ("USD", "JPY")),
        ("USD=X", None), ("EUR", None), ("USDUSD", None), ("BTC-USDT", None), ("EUR//USD", None),
        ("AAPL240119P00150000", None), ("", None),
    ],
)  # fmt: skip
def test_a_pair_is_read_out_of_its_names(symbol, pair):
    assert pair_of(symbol) == pair
    assert pair_alike(symbol) == ("".join(pair) if pair else symbol)


@pytest.mark.parametrize("symbol", ["EURUSD", "EUR/USD", "EURUSD=X"])
def test_what_was_earned_is_what_the_broker_has_more_by_whatever_name(account, gateway, symbol):
    instrument(symbol)
    began = gateway.exchange.cash
    assert traded(account, symbol).status == OrderStatus.FILLED
    (there,) = gateway.exchange.orders.values()
    assert (there.symbol, there.quantity) == ("EURUSD", 30_000)
    account_reconcile(account_id=account.id)
    position = Position.objects.get(account=account)
    assert (position.symbol, position.quantity, position.average_price) == (
        symbol, 30_000, D("1.1"),
    )  # fmt: skip
    gateway.exchange.tick("EURUSD", "1.105")
    assert traded(account, symbol, Side.SELL).status == OrderStatus.FILLED
    account_reconcile(account_id=account.id)
    position.refresh_from_db()
    # 30 000 x 0.005, less a commission of 2 for each side that the venue's cash does not know
    assert (position.quantity, position.realized_pnl) == (0, 150 - 4)
    assert gateway.exchange.cash - began == 150
    account.refresh_from_db()
    assert (account.state, account.mismatch) == (AccountState.ACTIVE, [])


def test_a_sale_of_what_is_not_held_is_a_short_position(account, gateway):
    instrument("EURUSD")
    traded(account, side=Side.SHORT)
    account_reconcile(account_id=account.id)
    position = Position.objects.get(account=account)
    assert (position.quantity, position.average_price) == (-30_000, D("1.1"))
    assert BrokerAccount.objects.get(id=account.id).state == AccountState.ACTIVE


def test_an_order_that_waits_is_changed_filled_in_part_and_canceled(account, gateway):
    instrument("EURUSD")
    order = sent(ordered(account, limit="1.09005"))
    assert order.status == OrderStatus.ACCEPTED
    order_replace(order=order, limit_price=D("1.0951"))
    order_change(order_id=order.id)
    (there,) = gateway.exchange.orders.values()
    assert (there.limit, fresh(order).limit_price) == (D("1.0951"), D("1.0951"))
    gateway.exchange.fill(there, 10_000, "1.095")
    account_reconcile(account_id=account.id)
    assert fresh(order).filled_quantity == 10_000
    order_cancel(order=fresh(order))
    order_change(order_id=order.id)
    account_reconcile(account_id=account.id)
    assert (fresh(order).status, there.status) == (OrderStatus.CANCELED, "canceled")
    assert Position.objects.get(account=account).quantity == 10_000


def test_a_name_that_the_catalogue_has_not_is_refused_with_the_one_it_has(account):
    instrument("EURUSD=X")
    for symbol in ("EURUSD", "EUR/USD"):
        refused = refusals(lambda symbol=symbol: ordered(account, symbol))
        assert refused["unknown_symbol"].expected == ["EURUSD=X"]


def test_what_is_no_pair_is_refused_before_it_is_sent(account, gateway):
    instrument("DXY")
    refused = refusals(lambda: ordered(account, "DXY"))
    assert "EURUSD, EUR/USD or EURUSD=X" in refused["not_a_pair"].message
    assert not gateway.exchange.orders


def test_parts_of_half_a_pip_are_refused_before_they_are_sent(account, gateway):
    instrument("EURUSD")
    refused = refusals(lambda: ordered(account, limit="1.10003"))
    assert "0.00005" in refused["tick_size"].message
    assert sent(ordered(account, limit="1.09005")).status == OrderStatus.ACCEPTED


@pytest.mark.parametrize("kind", ["interactive_brokers", "paper"])
@pytest.mark.parametrize("side", [Side.BUY, Side.SHORT])
def test_what_is_paid_in_other_money_than_the_accounts_is_not_opened(user, kind, side):
    account = BrokerAccount.objects.create(owner=user, kind=kind, name="Other", currency="USD")
    for symbol in ("USDJPY", "JPY=X", "EUR/GBP"):
        instrument(symbol)
        refused = refusals(lambda symbol=symbol: ordered(account, symbol, side))
        assert "the account is in USD" in refused["quote_unsupported"].message
    account.currency = "JPY"
    account.save()
    assert ordered(account, "USDJPY", side).status == OrderStatus.CREATED


def test_what_an_account_already_holds_in_other_money_can_be_closed(user, gateway):
    instrument("USDJPY")
    gateway.exchange.cash = D(10**8)
    gateway.exchange.place(
        client_id="", symbol="USDJPY", side="buy", type="market", quantity=D(30_000)
    )
    account = gateway_account(user)
    assert Position.objects.get(account=account).quantity == 30_000
    assert traded(account, "USDJPY", Side.SELL).status == OrderStatus.FILLED
    assert Position.objects.get(account=account).quantity == 0


def test_an_order_of_others_is_one_in_currencies(account, gateway):
    gateway.exchange.place(
        client_id="", symbol="EURUSD", side="buy", type="limit", quantity=D(30_000), limit=D(1)
    )
    account_reconcile(account_id=account.id)
    order = Order.objects.get(external=True)
    assert (order.symbol, order.asset_type) == ("EURUSD", AssetType.FOREX)


@pytest.mark.parametrize(
    ("symbol", "code"), [("EURUSD", None), ("USDJPY", "quote_unsupported"), ("DXY", "not_a_pair")]
)
def test_a_deployment_that_could_open_nothing_is_refused(user, settings, tmp_path, symbol, code):
    settings.BARS_URL = str(tmp_path / "bars")
    venue = Venue(user, bars_random(31), symbol=symbol, asset_class="forex")
    venue.past(30)
    graph = template_graph("buy_and_hold")[0]
    if code is None:
        assert venue.deploy(graph, at=30).state == "running"
        return
    with pytest.raises(InvalidInput) as refused:
        venue.deploy(graph, at=30)
    assert refused.value.code == code


def test_a_deployments_prices_are_such_that_the_venue_takes_them(account):
    desk = Desk(Deployment(account=account, symbol="EURUSD"), None, instrument("EURUSD"), ())
    assert desk._price(1.08768) == D("1.0877")
    assert desk._price(1.08763) == D("1.08765")
