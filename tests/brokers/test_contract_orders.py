"""Orders in option contracts: what is refused before it is sent, and what they come to in money."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from brokers.adapters.base import Execution, Offer, OrderRequest, VenueOrder
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from brokers.models import BrokerAccount, Order, Position, RiskLimit
from brokers.recording import venue_orders_record
from brokers.risk.engine import orders_judge
from brokers.risk.ledger import Ledger
from brokers.risk.losses import account_profit
from brokers.services.capability import request_check, usual_time
from brokers.services.orders import order_create
from core.errors import InvalidInput
from market.models import Instrument
from market.selectors import LatestPrice

pytestmark = pytest.mark.django_db
D = Decimal
PUT = "ACME490115P00150000"
OVER = "ACME240119P00150000"


@pytest.fixture
def acme(db):
    return Instrument.objects.create(
        symbol="ACME", calendar="XNYS", timezone="America/New_York", periods_per_year=252
    )


@pytest.fixture
def account(user, acme):
    return BrokerAccount.objects.create(owner=user, kind="paper", name="Paper")


@pytest.fixture
def priced(monkeypatch):
    """The put costs 4.20 by the model."""

    def latest(_, symbol, __):
        price = {PUT: D("4.20"), "ACME": D(150)}[symbol]
        return LatestPrice(symbol, price, timezone.now(), "1d", "model")

    monkeypatch.setattr("brokers.quotes.Quotes.latest", latest)


def made(account, **changes):
    fields = {
        "symbol": PUT, "asset_type": AssetType.OPTION, "side": Side.BUY,
        "order_type": OrderType.MARKET, "quantity": D(2),
    }  # fmt: skip
    return order_create(account=account, **(fields | changes))


@pytest.mark.parametrize(
    ("changes", "path", "code", "says"),
    [
        ({"symbol": "ACME"}, "symbol", "not_a_contract", "such as AAPL270115P00150000"),
        ({"asset_type": AssetType.STOCK}, "asset_type", "unsupported", "its asset_type is option"),
        ({"symbol": OVER}, "symbol", "expired", "expired on 2024-01-19: choose a later expiry"),
        ({"quantity": D("0.5")}, "quantity", "fractional", "whole, not 0.5"),
        ({"symbol": "NONE490115P00150000"}, "symbol", "unknown_symbol", "'NONE' is not a known"),
        (
            {"order_type": OrderType.LIMIT, "limit_price": D("4.205")},
            "limit_price", "tick_size", "multiple of 0.01",
        ),
    ],
)  # fmt: skip
def test_what_names_no_contract_that_can_be_traded_is_refused(account, changes, path, code, says):
    with pytest.raises(InvalidInput, match=says) as refusal:
        made(account, **changes)
    fault = refusal.value.details[0]
    assert (fault.path, fault.code) == (path, code)
    assert not Order.objects.exists()


def test_a_broker_without_options_names_those_that_have_them(user, acme):
    account = BrokerAccount.objects.create(owner=user, kind="binance", name="B", live=True)
    with pytest.raises(InvalidInput, match=r"binance has no options: use an account at .*paper"):
        made(account, time_in_force=TimeInForce.GTC)


def test_what_a_broker_lacks_for_options_alone_is_refused(account, acme, monkeypatch):
    can = ADAPTERS.get("paper").capabilities
    narrow = Offer(frozenset({OrderType.LIMIT}), frozenset({TimeInForce.GTC}))
    monkeypatch.setattr(type(can), "offers", {AssetType.OPTION: narrow})
    request = OrderRequest(
        client_order_id="a", symbol=PUT, asset_type=AssetType.OPTION, side=Side.SHORT,
        order_type=OrderType.MARKET, quantity=D(1),
    )  # fmt: skip
    with pytest.raises(InvalidInput) as refusal:
        request_check(account=account, instrument=acme, request=request)
    said = {fault.path: fault.message for fault in refusal.value.details}
    assert said["order_type"] == "paper has no market orders of options: use limit."
    assert said["time_in_force"] == "paper has no day orders of options: use gtc."
    assert usual_time("paper", AssetType.OPTION) == TimeInForce.GTC
    assert usual_time("paper") == TimeInForce.DAY


def executed(order, price, commission="0", name="e"):
    fill = Execution(
        execution_id=f"{name}-{order.id}", quantity=order.quantity, price=D(price),
        commission=D(commission), executed_at=datetime(2026, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    venue = VenueOrder(f"b-{order.id}", OrderStatus.FILLED, executions=(fill,))
    Order.objects.filter(id=order.id).update(status=OrderStatus.ACCEPTED)
    venue_orders_record({order.id: venue})


def test_profit_is_of_a_hundred_shares_a_contract(account):
    executed(made(account), "4.20", "1.30")
    position = Position.objects.get()
    assert (position.quantity, position.average_price, position.realized_pnl) == (
        2, D("4.20"), D("-1.30"),
    )  # fmt: skip
    assert (position.multiplier, position.expires_at) == (
        100, datetime(2049, 1, 15, 21, tzinfo=UTC),
    )  # fmt: skip
    executed(made(account, side=Side.SELL, quantity=D(1)), "5.00", "0.65")
    position.refresh_from_db()
    # (5.00 - 4.20) x 100 - 1.30 - 0.65
    assert position.realized_pnl == D("78.05")


def test_open_profit_counts_the_multiplier(account, priced):
    executed(made(account, side=Side.SHORT), "5.00")
    # two sold at 5.00 and now at 4.20
    assert account_profit(account) == D(160)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_order_value": D(840)}, None),
        ({"max_order_value": D("839.99")}, "order_value"),
        ({"max_position_value": D("839.99")}, "position_value"),
        ({"max_gross_exposure": D("839.99")}, "gross_exposure"),
        # a limit on the underlying holds for its contracts
        ({"symbol": "ACME", "max_order_value": D("839.99")}, "order_value"),
        ({"symbol": "ACM", "max_order_value": D(1)}, None),
        ({"allowed_symbols": ["ACME"]}, None),
        ({"allowed_symbols": ["GOOG"]}, "symbol_not_allowed"),
    ],
)
def test_limits_are_in_money(account, priced, limits, code):
    RiskLimit.objects.create(owner=account.owner, **limits)
    order = made(account)
    assert (order.status, order.reason_code) == (
        ("denied", code) if code else ("created", "")
    )  # fmt: skip


def test_selling_to_open_is_selling_short(account, priced):
    RiskLimit.objects.create(owner=account.owner, short_allowed=False)
    assert made(account, side=Side.SHORT).reason_code == "short_not_allowed"


def test_what_is_on_its_way_claims_its_price_times_the_multiplier(account, priced):
    account.buying_power, account.reconciled_at = D(1000), timezone.now()
    order = Order(
        owner=account.owner, account=account, symbol=PUT, asset_type="option", side="buy",
        quantity=D(2), multiplier=D(100),
    )  # fmt: skip
    first, second = orders_judge(orders=[order, order], accounts={account.id: account})
    # 2 x 4.20 x 100 = 840 of 1,000, then of 160
    assert first.admitted
    assert (second.admitted, second.code) == (False, "buying_power")
    assert "costs 840.00, and there are 160.00" in second.reason


def test_only_what_came_after_the_broker_told_it_claims_of_the_buying_power(account, priced):
    made(account)
    Order.objects.update(submitted_at=timezone.now(), status=OrderStatus.ACCEPTED)
    account.buying_power, account.reconciled_at = D(2000), timezone.now()
    account.save()
    now = timezone.now()
    assert Ledger({account.id: account}, now=now).claimed(account) == 0
    made(account)
    assert Ledger({account.id: account}, now=now).claimed(account) == 840  # 2 x 4.20 x 100
