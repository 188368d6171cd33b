"""What an adapter lacks is refused before it is sent, at every broker, with a reason."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from brokers.models import BrokerAccount, Order
from brokers.services.capability import usual_time
from brokers.services.orders import order_create
from core.errors import InvalidInput
from market.models import Instrument

pytestmark = pytest.mark.django_db
CLASSES = {
    AssetType.STOCK: "equity", AssetType.CRYPTO: "crypto", AssetType.FOREX: "forex",
}  # fmt: skip
SYMBOLS = {asset: asset.value.upper() for asset in AssetType}
SYMBOLS[AssetType.CRYPTO] = "CRYPTO/USDT"
SYMBOLS[AssetType.FOREX] = "EUR/USD"
SYMBOLS[AssetType.OPTION] = "STOCK490115P00150000"
KINDS = ("paper", "alpaca", "binance", "zerodha", "dhan", "interactive_brokers")
PRICES = {
    OrderType.MARKET: {}, OrderType.LIMIT: {"limit_price": Decimal(90)},
    OrderType.STOP: {"stop_price": Decimal(110)},
    OrderType.STOP_LIMIT: {"limit_price": Decimal(111), "stop_price": Decimal(110)},
    OrderType.TRAILING_STOP: {"trail_amount": Decimal(5)},
}  # fmt: skip


def wanted(can):
    """Everything that may be asked of a broker: what it is called, whether it can, the order."""
    for asset in AssetType:
        offer, times = can.of(asset), can.of(asset).times_in_force
        time = TimeInForce.DAY if TimeInForce.DAY in times else TimeInForce.GTC
        bare = {"asset_type": asset, "time_in_force": time}
        usual = bare | {"order_type": OrderType.LIMIT} | PRICES[OrderType.LIMIT]
        yield "asset_type", asset in can.asset_types, usual
        if asset not in can.asset_types:
            continue
        for order_type in OrderType:
            able = order_type in offer.order_types
            yield "order_type", able, bare | {"order_type": order_type} | PRICES[order_type]
        for each in TimeInForce:
            yield "time_in_force", each in times, usual | {"time_in_force": each}
        part = usual | {"quantity": Decimal("1.5")}
        yield "quantity", offer.fractional and asset != AssetType.OPTION, part
        yield "trade_type", offer.short, usual | {"side": Side.SHORT}
        if offer.fractions is not None:
            yield "trade_type", offer.fractions.short, part | {"side": Side.SHORT}
            for each in TimeInForce:
                able = each in offer.fractions.times_in_force
                yield "time_in_force", able, part | {"time_in_force": each}
            for order_type in OrderType:
                able = order_type in offer.fractions.order_types
                priced = bare | {"order_type": order_type} | PRICES[order_type]
                yield "order_type", able, priced | {"quantity": Decimal("1.5")}


@pytest.mark.parametrize("kind", KINDS)
def test_each_order_is_taken_or_refused_as_the_adapter_declares(user, kind):
    can = ADAPTERS.get(kind).capabilities
    account = BrokerAccount.objects.create(owner=user, kind=kind, name="Test", live=True)
    for asset, asset_class in CLASSES.items():
        Instrument.objects.create(symbol=SYMBOLS[asset], asset_class=asset_class)
    lacking = 0
    for path, able, changes in wanted(can):
        order = {
            "side": Side.BUY, "quantity": Decimal(2), "symbol": SYMBOLS[changes["asset_type"]],
        } | changes  # fmt: skip
        before = Order.objects.count()
        if able:
            order_create(account=account, **order)
            assert Order.objects.count() == before + 1, changes
            continue
        lacking += 1
        with pytest.raises(InvalidInput) as refusal:
            order_create(account=account, **order)
        assert path in {detail.path for detail in refusal.value.details}, changes
        assert all(detail.message for detail in refusal.value.details)
        assert Order.objects.count() == before, "nothing is left to be sent"
    assert lacking >= 1, "each of them lacks something"


# By the documentation of the broker: which orders of coins, and of parts of a share, it takes.
ALPACA = [
    (AssetType.CRYPTO, OrderType.MARKET, "1", TimeInForce.GTC, Side.BUY, ""),
    (AssetType.CRYPTO, OrderType.STOP_LIMIT, "1", TimeInForce.IOC, Side.SELL, ""),
    (AssetType.CRYPTO, OrderType.MARKET, "1", TimeInForce.DAY, Side.BUY, "day orders of coins"),
    (AssetType.CRYPTO, OrderType.STOP, "1", TimeInForce.GTC, Side.SELL, "stop orders of coins"),
    (AssetType.CRYPTO, OrderType.MARKET, "1", TimeInForce.GTC, Side.SHORT, "sales of coins"),
    (AssetType.STOCK, OrderType.STOP, "1.5", TimeInForce.DAY, Side.SELL, ""),
    (AssetType.STOCK, OrderType.STOP, "1.5", TimeInForce.GTC, Side.SELL, "gtc orders of fractions"),
    (AssetType.STOCK, OrderType.LIMIT, "1.5", TimeInForce.DAY, Side.SHORT, "sales of fractions"),
]


@pytest.mark.parametrize(("asset", "order_type", "quantity", "time", "side", "refusal"), ALPACA)
def test_alpaca_takes_what_it_says_of_coins_and_of_fractions(
    user, asset, order_type, quantity, time, side, refusal
):
    account = BrokerAccount.objects.create(owner=user, kind="alpaca", name="Test")
    Instrument.objects.create(symbol="ONE", asset_class=CLASSES[asset])
    fields = {"symbol": "ONE", "asset_type": asset, "order_type": order_type, "side": side}
    fields |= {"quantity": Decimal(quantity), "time_in_force": time} | PRICES[order_type]
    if refusal:
        with pytest.raises(InvalidInput, match=refusal):
            order_create(account=account, **fields)
    else:
        assert order_create(account=account, **fields).status == OrderStatus.CREATED


def test_an_order_that_does_not_say_how_long_it_waits_does_so_as_its_broker_can():
    assert usual_time("alpaca") == TimeInForce.DAY
    assert usual_time("alpaca", AssetType.CRYPTO) == TimeInForce.GTC
    assert usual_time("binance", AssetType.CRYPTO) == TimeInForce.GTC


def test_coins_are_traded_in_lots_where_the_broker_trades_lots(user):
    Instrument.objects.create(symbol="BTC/USDT", asset_class="crypto", lot_size=Decimal("0.001"))
    fields = {
        "symbol": "BTC/USDT", "asset_type": AssetType.CRYPTO, "side": Side.BUY,
        "order_type": OrderType.MARKET, "quantity": Decimal("0.0015"),
    }  # fmt: skip
    binance, alpaca = (
        BrokerAccount.objects.create(owner=user, kind=kind, name="Test")
        for kind in ("binance", "alpaca")
    )
    with pytest.raises(InvalidInput, match=r"Only lots of 0\.001"):
        order_create(account=binance, **fields)
    assert order_create(account=alpaca, **fields).quantity == Decimal("0.0015")


def test_this_table_knows_every_broker():
    assert set(KINDS) == set(ADAPTERS.names())
