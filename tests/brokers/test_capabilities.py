"""What an adapter lacks is refused before it is sent, at every broker, with a reason."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, OrderType, Side, TimeInForce
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
    asset = next(each for each in AssetType if each in can.asset_types)
    usual = {"asset_type": asset, "order_type": OrderType.LIMIT} | PRICES[OrderType.LIMIT]
    for order_type in OrderType:
        prices = {"asset_type": asset, "order_type": order_type} | PRICES[order_type]
        yield "order_type", order_type in can.order_types, prices
    for time in TimeInForce:
        yield "time_in_force", time in can.times_in_force, usual | {"time_in_force": time}
    for other in AssetType:
        yield "asset_type", other in can.asset_types, usual | {"asset_type": other}
    yield "quantity", can.fractional, usual | {"quantity": Decimal("1.5")}
    yield "trade_type", can.short, usual | {"side": Side.SHORT}
    contract = usual | {"asset_type": AssetType.OPTION}
    yield "quantity", False, contract | {"quantity": Decimal("1.5")}
    if AssetType.OPTION not in can.asset_types:
        return
    bare = {name: value for name, value in contract.items() if name != "limit_price"}
    for order_type in OrderType:
        able = order_type in can.order_types_of(AssetType.OPTION)
        yield "order_type", able, bare | {"order_type": order_type} | PRICES[order_type]
    for time in TimeInForce:
        able = time in can.times_in_force_of(AssetType.OPTION)
        yield "time_in_force", able, contract | {"time_in_force": time}
    for side in Side:
        yield "trade_type", True, contract | {"side": side}


@pytest.mark.parametrize("kind", KINDS)
def test_each_order_is_taken_or_refused_as_the_adapter_declares(user, kind):
    can = ADAPTERS.get(kind).capabilities
    account = BrokerAccount.objects.create(owner=user, kind=kind, name="Test", live=True)
    for asset, asset_class in CLASSES.items():
        Instrument.objects.create(symbol=asset.value.upper(), asset_class=asset_class)
    lacking = 0
    for path, able, changes in wanted(can):
        order = {
            "side": Side.BUY, "quantity": Decimal(2), "time_in_force": usual_time(kind),
            "symbol": SYMBOLS[changes["asset_type"]],
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


def test_this_table_knows_every_broker():
    assert set(KINDS) == set(ADAPTERS.names())
