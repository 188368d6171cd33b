"""Binance's spot API: the endpoints that are used here, with its clock and its signatures."""

from __future__ import annotations

import time
from decimal import Decimal
from urllib.parse import parse_qsl

from tests.venue.exchange import Exchange, Refusal
from tests.venue.http import HttpVenue

TYPES = {
    "MARKET": "market", "LIMIT": "limit", "STOP_LOSS": "stop", "STOP_LOSS_LIMIT": "stop_limit",
}  # fmt: skip
NAMES = {name: key for key, name in TYPES.items()}
CODES = {
    "duplicate": (-2010, "Duplicate order sent."), "funds": (-2010, "insufficient balance"),
    "not_found": (-2013, "Order does not exist."), "not_cancelable": (-2011, "Unknown order sent."),
    "symbol": (-1121, "Invalid symbol."),
}  # fmt: skip


class BinanceVenue(HttpVenue):
    def __init__(self):
        super().__init__(Exchange(unique="open"))
        self.clock_ahead_ms = 0
        # Commissions: a rate of what is received, or of its worth in another coin at this price.
        self.fee = Decimal(0)
        self.fee_coin, self.fee_coin_price = "", Decimal(500)

    def rate_limited(self):
        return 429, {"code": -1003, "msg": "Too many requests."}

    def unauthorized(self):
        return 401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}

    def kind_of(self, method, path):
        if path.endswith("/klines"):
            return "prices"
        return "clock" if path.endswith("/time") else super().kind_of(method, path)

    def now_ms(self):
        return int(time.time() * 1000) + self.clock_ahead_ms

    def handle(self, method, path, query, raw, headers):
        if path.endswith("/time"):
            return 200, {"serverTime": self.now_ms()}
        fields = query | dict(parse_qsl(raw.decode()))
        if path.endswith("/klines"):
            return self._klines(fields)
        if refusal := self._unsigned(fields, headers):
            return refusal
        try:
            return 200, self._route(method, path.rsplit("/", 1)[1], fields)
        except Refusal as refused:
            code, message = CODES.get(refused.code, (-1013, str(refused)))
            return 400, {"code": code, "msg": message}

    def _unsigned(self, fields, headers):
        signature = fields.pop("signature", "")
        if headers.get("X-MBX-APIKEY") != "key" or len(signature) != 64:
            return self.unauthorized()
        window = int(fields.get("recvWindow", 5000))
        ts = int(fields["timestamp"])
        if not self.now_ms() - window <= ts <= self.now_ms() + 1000:
            return 400, {"code": -1021, "msg": "Timestamp for this request is outside recvWindow."}
        return None

    def _route(self, method, what, fields):
        exchange = self.exchange
        if what == "order" and method == "POST":
            return self.shown(self._place(fields), fills=True)
        if what == "order":
            order = self._find(fields, missing="not_found" if method == "GET" else "not_cancelable")
            if method == "DELETE":
                exchange.cancel(order.id)
            return self.shown(order)
        if what == "openOrders":
            return [self.shown(order) for order in exchange.open()]
        if what == "myTrades":
            chosen = [t for t in exchange.trades if int(t.order_id) == int(fields["orderId"])]
            return [self.trade(trade) for trade in self.told(chosen)]
        if what == "account":
            coins = self.coins()
            return {
                "balances": [
                    {"asset": asset, "free": str(units), "locked": "0"}
                    for asset, units in (coins | {"USDT": exchange.cash}).items()
                ]
            }
        raise Refusal("path", what)

    def coins(self):
        """Return what is held of each coin, less what commissions took."""
        coins = {}
        for trade in self.exchange.trades:
            coin, charged = self.coin_of(trade.symbol), self.charged(trade)
            units = trade.quantity if trade.side == "buy" else -trade.quantity
            coins[coin] = coins.get(coin, Decimal(0)) + units
            if charged[1] != "USDT":
                coins[charged[1]] = coins.get(charged[1], Decimal(0)) - charged[0]
        return coins

    def coin_of(self, symbol):
        return symbol.removesuffix("USDT").removesuffix("EUR")

    def charged(self, trade):
        """Return a trade's commission and its coin: what was received, or another one."""
        if self.fee_coin:
            worth = trade.quantity * trade.price * self.fee
            return worth / self.fee_coin_price, self.fee_coin
        if trade.side == "buy":
            return trade.quantity * self.fee, self.coin_of(trade.symbol)
        return trade.quantity * trade.price * self.fee, "USDT"

    def _klines(self, fields):
        """Answer with one bar, for which nobody has to say who asks."""
        if fields["symbol"] != f"{self.fee_coin}USDT":
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        assert int(fields["startTime"]) % 60_000 == 0
        price = str(self.fee_coin_price)
        return 200, [[int(fields["startTime"]), price, price, price, price, "1"]]

    def _place(self, fields):
        held = self.coins().get(self.coin_of(fields["symbol"]), Decimal(0))
        if fields["side"] == "SELL" and held < Decimal(fields["quantity"]):
            raise Refusal("funds", "insufficient balance")
        return self.exchange.place(
            client_id=fields["newClientOrderId"], symbol=fields["symbol"],
            side=fields["side"].lower(), type=TYPES[fields["type"]],
            quantity=Decimal(fields["quantity"]), tif=fields.get("timeInForce", "gtc").lower(),
            limit=Decimal(fields["price"]) if "price" in fields else None,
            stop=Decimal(fields["stopPrice"]) if "stopPrice" in fields else None,
        )  # fmt: skip

    def _find(self, fields, *, missing):
        if "orderId" in fields:
            return self.exchange.get(f"{int(fields['orderId']):08d}")
        found = self.exchange.by_client_id(fields["origClientOrderId"])
        if not found:
            raise Refusal(missing, "")
        return found[-1]

    def shown(self, order, *, fills=False):
        status = order.status.upper()
        row = {
            "symbol": order.symbol, "orderId": int(order.id), "clientOrderId": order.client_id,
            "origQty": str(order.quantity), "executedQty": str(order.filled), "status": status,
            "type": NAMES[order.type], "side": order.side.upper(),
            "transactTime": int(order.created_at.timestamp() * 1000),
        }  # fmt: skip
        if fills:
            row["fills"] = [
                {
                    "tradeId": int(t.id[1:]), "qty": str(t.quantity), "price": str(t.price),
                    "commission": str(self.charged(t)[0]), "commissionAsset": self.charged(t)[1],
                }
                for t in order.trades
            ]  # fmt: skip
        return row

    def trade(self, trade):
        return {
            "id": int(trade.id[1:]), "orderId": int(trade.order_id), "qty": str(trade.quantity),
            "price": str(trade.price), "commission": str(self.charged(trade)[0]),
            "commissionAsset": self.charged(trade)[1],
            "time": int(trade.at.timestamp() * 1000),
        }  # fmt: skip
