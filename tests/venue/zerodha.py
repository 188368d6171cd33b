"""Kite Connect's REST API: the endpoints that are used here."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

from tests.venue.exchange import Exchange, Refusal
from tests.venue.http import HttpVenue

TYPES = {"MARKET": "market", "LIMIT": "limit", "SL-M": "stop", "SL": "stop_limit"}
NAMES = {name: key for key, name in TYPES.items()}
INDIA = timedelta(hours=5, minutes=30)
STATUSES = {
    "new": "OPEN", "partially_filled": "OPEN", "filled": "COMPLETE", "canceled": "CANCELLED",
    "rejected": "REJECTED",
}  # fmt: skip


UNPROTECTED = (
    "Market orders without market protection are not allowed via API. Please set market protection "
    "or use a Limit order."
)
COLUMNS = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,"
    "lot_size,instrument_type,segment,exchange\n"
)
FUTURE = "1,2,ACME26DECFUT,ACME,0,2026-12-31,0,0.05,75,FUT,NFO-FUT,NFO\n"


class ZerodhaVenue(HttpVenue):
    def __init__(self):
        super().__init__(Exchange(unique=""))
        self.charges = False  # whether they are reckoned yet

    def kind_of(self, method, path):
        return "list" if path.startswith("/instruments") else super().kind_of(method, path)

    def rate_limited(self):
        return 429, error("NetworkException", "Too many requests")

    def unauthorized(self):
        return 403, error("TokenException", "Incorrect `api_key` or `access_token`.")

    def handle(self, method, path, query, raw, headers):
        if headers.get("Authorization") != "token key:token":
            return self.unauthorized()
        if path == "/charges/orders":
            asked = json.loads(raw)
            return 200, {"status": "success", "data": [self.note(row) for row in asked]}
        fields = dict(parse_qsl(raw.decode()))
        if path == "/instruments/NFO":
            return 200, self.instruments().encode()
        try:
            data = self._route(method, path.strip("/").split("/"), fields)
        except Refusal as refusal:
            return 400, error("InputException", str(refusal))
        return 200, {"status": "success", "data": data}

    def _route(self, method, parts, fields):
        exchange = self.exchange
        if parts[:2] == ["orders", "regular"]:
            return {"order_id": self._change(method, parts[2:], fields).id}
        if parts == ["orders"]:
            return [self.shown(order) for order in exchange.orders.values()]
        if parts[0] == "orders":
            return [self.trade(t) for t in self.told(exchange.get(parts[1]).trades)]
        if parts == ["portfolio", "positions"]:
            rows = [
                {
                    "tradingsymbol": symbol, "exchange": self.exchange_of(symbol),
                    "quantity": int(units), "average_price": float(exchange.average(symbol)),
                }
                for symbol, units in self.today().items()
            ]  # fmt: skip
            return {"net": rows, "day": rows}
        if parts == ["portfolio", "holdings"]:
            return self.holdings()
        if parts == ["user", "margins"]:
            cash = float(exchange.cash)
            return {"equity": {"net": cash, "available": {"cash": cash}}}
        raise Refusal("path", "no such route")

    def today(self):
        """Return positions: options of all days, shares of today."""
        exchange = self.exchange
        held = exchange.positions(exchange.nights)
        return held | {s: n for s, n in exchange.positions().items() if s in exchange.contracts}

    def holdings(self):
        """Return shares of the days before, which lie at no exchange; what was sold is less."""
        exchange = self.exchange
        rows = []
        for symbol, units in exchange.positions(0, exchange.nights).items():
            if symbol in exchange.contracts:
                continue
            trades = exchange.trades[exchange.nights :]
            sold = sum(t.quantity for t in trades if t.symbol == symbol and t.side == "sell")
            used = min(units, sold)
            rows.append({
                "tradingsymbol": symbol, "exchange": "BSE", "product": "CNC",
                "quantity": int(units - used), "used_quantity": int(used), "t1_quantity": 0,
                "opening_quantity": int(units), "collateral_quantity": 0,
                "average_price": float(exchange.average(symbol)),
            })  # fmt: skip
        return rows

    def exchange_of(self, symbol):
        return "NFO" if symbol in self.exchange.contracts else "NSE"

    def instruments(self):
        """Return the list of what trades today in futures and options."""
        today = self.exchange.now().date()
        return (
            COLUMNS
            + FUTURE
            + "".join(
                f'3,4,{name},"{row.underlying}",0,{row.expiry},{row.strike},0.05,{row.lot},'
                f"{row.right}E,NFO-OPT,NFO\n"
                for name, row in self.exchange.contracts.items()
                if row.expiry >= today
            )
        )

    def _check(self, fields):
        """Refuse what is refused of orders without a price, and of options."""
        kind = fields["order_type"]
        if kind in {"MARKET", "SL-M"} and not float(fields.get("market_protection", 0)):
            raise Refusal("protection", UNPROTECTED)
        contract = self.exchange.contracts.get(fields["tradingsymbol"])
        if (contract is not None) != (fields["exchange"] == "NFO"):
            raise Refusal("symbol", "The instrument you are placing an order for has expired")
        if contract is None:
            return
        if int(fields["quantity"]) % contract.lot:
            raise Refusal("lot", f"Quantity should be a multiple of lot size {contract.lot}")
        if kind == "SL-M":
            raise Refusal("type", "SL-M orders are blocked for options")
        if fields["product"] != "NRML":
            raise Refusal("product", "CNC is not allowed in F&O")

    def _change(self, method, rest, fields):
        exchange = self.exchange
        prices = {
            "limit": Decimal(fields["price"]) if "price" in fields else None,
            "stop": Decimal(fields["trigger_price"]) if "trigger_price" in fields else None,
        }
        if method == "DELETE":
            return exchange.cancel(rest[0])
        if method == "PUT":
            return exchange.change(rest[0], quantity=Decimal(fields["quantity"]), **prices)
        self._check(fields)
        assert len(fields["tag"]) <= 20
        assert fields["tag"].isalnum()
        return exchange.place(
            client_id=fields["tag"], symbol=fields["tradingsymbol"],
            side=fields["transaction_type"].lower(), type=TYPES[fields["order_type"]],
            quantity=Decimal(fields["quantity"]), tif=fields["validity"].lower(), **prices,
        )  # fmt: skip

    def note(self, asked):
        """Return a contract note: 20 for the order, and a tenth of a percent of its value."""
        assert {asked["variety"], asked["product"]} <= {"regular", "CNC", "MIS", "NRML"}
        value = Decimal(asked["quantity"]) * Decimal(str(asked["average_price"]))
        tax, brokerage = (value / 1000, 20) if self.charges else (0, 0)
        return {
            "transaction_type": asked["transaction_type"], "exchange": asked["exchange"],
            "tradingsymbol": asked["tradingsymbol"], "variety": asked["variety"],
            "product": asked["product"], "order_type": asked["order_type"],
            "quantity": asked["quantity"], "price": asked["average_price"],
            "charges": {
                "transaction_tax": float(tax), "transaction_tax_type": "stt",
                "exchange_turnover_charge": 0, "sebi_turnover_charge": 0, "brokerage": brokerage,
                "stamp_duty": 0, "gst": {"igst": 0, "cgst": 0, "sgst": 0, "total": 0},
                "total": float(tax + brokerage),
            },
        }  # fmt: skip

    def shown(self, order):
        return {
            "variety": "regular", "average_price": float(order.average),
            "product": "NRML" if order.symbol in self.exchange.contracts else "CNC",
            "order_id": order.id, "tag": order.client_id or None, "tradingsymbol": order.symbol,
            "exchange": self.exchange_of(order.symbol), "transaction_type": order.side.upper(),
            "order_type": NAMES[order.type], "status": STATUSES[order.status],
            "quantity": int(order.quantity), "filled_quantity": int(order.filled),
            "price": float(order.limit or 0), "trigger_price": float(order.stop or 0),
            "status_message": order.reason or None,
        }  # fmt: skip

    def trade(self, trade):
        return {
            "trade_id": trade.id, "order_id": trade.order_id, "quantity": int(trade.quantity),
            "average_price": float(trade.price),
            "fill_timestamp": f"{trade.at + INDIA:%Y-%m-%d %H:%M:%S}",
        }  # fmt: skip


def error(kind, message):
    return {"status": "error", "error_type": kind, "message": message}
