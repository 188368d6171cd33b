"""Dhan's REST API: the endpoints that are used here."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

from tests.venue.exchange import Exchange, Refusal
from tests.venue.http import HttpVenue

TYPES = {
    "MARKET": "market", "LIMIT": "limit", "STOP_LOSS_MARKET": "stop", "STOP_LOSS": "stop_limit",
}  # fmt: skip
NAMES = {name: key for key, name in TYPES.items()}
INDIA = timedelta(hours=5, minutes=30)
STATUSES = {
    "new": "PENDING", "partially_filled": "PART_TRADED", "filled": "TRADED",
    "canceled": "CANCELLED",
}  # fmt: skip
SHARES = "EXCH_ID,SEGMENT,SECURITY_ID,INSTRUMENT,UNDERLYING_SYMBOL\nNSE,E,4711,EQUITY,ACME\n"


COLUMNS = (
    "EXCH_ID,SEGMENT,SECURITY_ID,INSTRUMENT,UNDERLYING_SYMBOL,LOT_SIZE,SM_EXPIRY_DATE,"
    "STRIKE_PRICE,OPTION_TYPE\n"
)
FUTURE = "NSE,D,5000,FUTSTK,ACME,75.0,2026-12-31,-0.01000,XX\n"


class DhanVenue(HttpVenue):
    def __init__(self):
        super().__init__(Exchange(unique=""))
        self.charges = False  # whether its statement has the trades of today yet
        self.page = 2  # trades of a page of it

    def kind_of(self, method, path):
        return "list" if path.startswith("/instrument") else super().kind_of(method, path)

    def rate_limited(self):
        return 429, error("DH-904", "Too many requests")

    def unauthorized(self):
        return 401, error("DH-901", "Client ID or user generated access token is invalid.")

    def handle(self, method, path, query, raw, headers):
        if path == "/instrument/NSE_EQ":
            return 200, SHARES.encode()
        if path == "/instrument/NSE_FNO":
            return 200, self.derivatives().encode()
        if headers.get("access-token") != "token":
            return self.unauthorized()
        body = json.loads(raw) if raw else {}
        try:
            return 200, self._route(method, path.strip("/").split("/"), body)
        except Refusal as refusal:
            code = "DH-907" if refusal.code == "not_found" else "DH-906"
            return 400, error(code, str(refusal))

    def _route(self, method, parts, body):
        exchange = self.exchange
        if method in {"POST", "PUT", "DELETE"}:
            order = self._change(method, parts[1:], body)
            return {"orderId": order.id, "orderStatus": STATUSES[order.status]}
        if parts == ["orders"]:
            return [self.shown(order) for order in exchange.orders.values()]
        if parts[:2] == ["orders", "external"]:
            found = exchange.by_client_id(parts[2])
            if not found:
                raise Refusal("not_found", "no such order")
            return self.shown(found[-1])
        if parts[0] == "orders":
            return self.shown(exchange.get(parts[1]))
        if parts[0] == "trades" and len(parts) == 4:
            return self.history(*parts[1:])
        if parts[0] == "trades":
            return [self.trade(t) for t in self.told(exchange.get(parts[1]).trades)]
        if parts == ["positions"]:
            return [
                {
                    "tradingSymbol": symbol, "exchangeSegment": self.segment(symbol),
                    "securityId": self.number(symbol), "netQty": int(units),
                    "costPrice": float(exchange.average(symbol)),
                }
                for symbol, units in self.today().items()
            ]  # fmt: skip
        if parts == ["holdings"]:
            return [
                {
                    "exchange": "ALL", "tradingSymbol": symbol, "totalQty": int(units),
                    "avgCostPrice": float(exchange.average(symbol)),
                }
                for symbol, units in exchange.positions(0, exchange.nights).items()
                if symbol not in exchange.contracts
            ]  # fmt: skip
        if parts == ["fundlimit"]:
            return {"availabelBalance": float(exchange.cash)}
        raise Refusal("path", "no such route")

    def history(self, first, last, page):
        """Return a page of the statement: trades with what was charged, 0.06 % of their value."""
        trades = self.exchange.trades if self.charges else []
        days = [f"{trade.at + INDIA:%Y-%m-%d}" for trade in trades]
        rows = [t for t, day in zip(trades, days, strict=True) if first <= day <= last]
        start = int(page) * self.page
        return [self.charged(trade) for trade in rows[start : start + self.page]]

    def charged(self, trade):
        part = float(trade.quantity * trade.price / 10_000)
        return self.trade(trade) | {
            "exchangeTradeId": None, "exchangeSegment": self.segment(trade.symbol),
            "securityId": self.number(trade.symbol), "transactionType": trade.side.upper(),
            "sebiTax": part, "stt": part, "brokerageCharges": part, "serviceTax": part,
            "exchangeTransactionCharges": part, "stampDuty": part, "createTime": "NA",
        }  # fmt: skip

    def today(self):
        """Return positions: options of all days, shares of today."""
        exchange = self.exchange
        held = exchange.positions(exchange.nights)
        return held | {s: n for s, n in exchange.positions().items() if s in exchange.contracts}

    def segment(self, symbol):
        return "NSE_FNO" if symbol in self.exchange.contracts else "NSE_EQ"

    def number(self, symbol):
        """Return what number a share or an option has."""
        names = [*self.exchange.contracts]
        return str(50_001 + names.index(symbol)) if symbol in names else "4711"

    def derivatives(self):
        """Return the list of what trades today in futures and options."""
        today = self.exchange.now().date()
        return (
            COLUMNS
            + FUTURE
            + "".join(
                f"NSE,D,{self.number(name)},OPTSTK,{row.underlying},{row.lot}.0,{row.expiry},"
                f"{row.strike:.5f},{row.right}E\n"
                for name, row in self.exchange.contracts.items()
                if row.expiry >= today
            )
        )

    def _named(self, body):
        """Return under which symbol the exchange knows what an order is for."""
        if body["exchangeSegment"] != "NSE_FNO":
            assert body["securityId"] == "4711"
            return "ACME"
        for name, row in self.exchange.contracts.items():
            if self.number(name) == body["securityId"]:
                if body["quantity"] % row.lot:
                    raise Refusal("lot", "Invalid lot size")
                if body["orderType"] == "STOP_LOSS_MARKET":
                    raise Refusal("type", "SL-M is not allowed in options")
                if body["productType"] not in {"MARGIN", "INTRADAY"}:
                    raise Refusal("product", "Invalid product type")
                return name
        raise Refusal("symbol", "Invalid SecurityId")

    def _change(self, method, rest, body):
        prices = {
            "limit": Decimal(str(body["price"])) if body.get("price") else None,
            "stop": Decimal(str(body["triggerPrice"])) if body.get("triggerPrice") else None,
        }
        if method == "DELETE":
            return self.exchange.cancel(rest[0])
        if method == "PUT":
            return self.exchange.change(rest[0], quantity=Decimal(body["quantity"]), **prices)
        assert len(body["correlationId"]) <= 25
        return self.exchange.place(
            client_id=body["correlationId"], symbol=self._named(body),
            side=body["transactionType"].lower(),
            type=TYPES[body["orderType"]], quantity=Decimal(body["quantity"]),
            tif=body["validity"].lower(), **prices,
        )  # fmt: skip

    def shown(self, order):
        return {
            "orderId": order.id, "correlationId": order.client_id, "tradingSymbol": order.symbol,
            "exchangeSegment": self.segment(order.symbol),
            "securityId": self.number(order.symbol), "transactionType": order.side.upper(),
            "orderType": NAMES[order.type], "orderStatus": STATUSES[order.status],
            "quantity": int(order.quantity), "filledQty": int(order.filled),
            "price": float(order.limit or 0), "triggerPrice": float(order.stop or 0),
        }  # fmt: skip

    def trade(self, trade):
        return {
            "exchangeTradeId": trade.id, "orderId": trade.order_id,
            "tradedQuantity": int(trade.quantity), "tradedPrice": float(trade.price),
            "exchangeTime": f"{trade.at + INDIA:%Y-%m-%d %H:%M:%S}",
        }  # fmt: skip


def error(code, message):
    return {"errorType": "Order_Error", "errorCode": code, "errorMessage": message}
