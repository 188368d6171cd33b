"""Alpaca's trading API: the endpoints that are used here."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

from tests.venue.exchange import Exchange, Refusal
from tests.venue.http import HttpVenue, Reply

STATUSES = {"new": "new", "partially_filled": "partially_filled"}
CODES = {
    "funds": (403, 40310000), "not_found": (404, 40410000), "uncovered": (403, 40310000),
}  # fmt: skip
OPTION_TYPES = ("market", "limit", "stop", "stop_limit")


def amount(value):
    return None if value is None else Decimal(str(value))


class AlpacaVenue(HttpVenue):
    def __init__(self):
        super().__init__(Exchange(unique="for_ever"))
        self.page = 10_000
        # Commissions on coins, taken out of what is received; no fill tells them.
        self.coin_fee = Decimal(0)

    def kind_of(self, method, path):
        return "list" if path == "/v2/options/contracts" else super().kind_of(method, path)

    def handle(self, method, path, query, raw, headers):
        if (
            headers.get("APCA-API-KEY-ID") != "key"
            or headers.get("APCA-API-SECRET-KEY") != "secret"
        ):
            raise Reply(*self.unauthorized())
        body = json.loads(raw) if raw else {}
        parts = path.removeprefix("/v2/").split("/")
        try:
            return self._route(method, parts, query, body)
        except Refusal as refusal:
            status, code = CODES.get(refusal.code, (422, 40010001))
            return status, {"code": code, "message": str(refusal)}

    def _route(self, method, parts, query, body):
        exchange = self.exchange
        if parts[0].startswith("orders"):
            return self._order_route(method, parts, query, body)
        if parts[:2] == ["account", "activities"]:
            return 200, [self.activity(trade) for trade in self.told(self._page(query))]
        if parts == ["options", "contracts"]:
            return 200, self._contracts(query)
        if parts == ["positions"]:
            return 200, [
                {
                    # Coins are called otherwise here than in orders.
                    "symbol": symbol.replace("/", ""), "qty": str(units),
                    "avg_entry_price": str(exchange.average(symbol)),
                    "asset_class": self.asset_class(symbol),
                }
                for symbol, units in self.held().items()
            ]  # fmt: skip
        if parts == ["account"]:
            cash = str(exchange.cash)
            return 200, {
                "currency": "USD", "equity": cash, "cash": cash, "buying_power": cash,
            }  # fmt: skip
        return 404, {"code": 40410000, "message": "endpoint not found."}

    def _order_route(self, method, parts, query, body):
        exchange = self.exchange
        if parts == ["orders:by_client_order_id"]:
            found = exchange.by_client_id(query["client_order_id"])
            if not found:
                raise Refusal("not_found", "order not found")
            return 200, self.shown(found[-1])
        if parts == ["orders"] and method == "POST":
            return 200, self.shown(self._place(body))
        if parts == ["orders"] and method == "DELETE":
            return 207, self._cancel_all()
        if parts == ["orders"]:
            return 200, self._orders(query)
        if method == "DELETE":
            exchange.cancel(parts[1])
            return 204, None
        if method == "PATCH":
            return 200, self.shown(self._replace(parts[1], body))
        return 200, self.shown(exchange.get(parts[1]))

    def _page(self, query):
        """Return one page of trades, the oldest first."""
        assert query["direction"] == "asc"
        after, token = datetime.fromisoformat(query["after"]), query.get("page_token", "")
        chosen = [t for t in self.exchange.trades if t.at >= after and t.id > token]
        return chosen[: int(query["page_size"])]

    def _orders(self, query):
        """Return open or closed orders, the youngest first."""
        waiting = self.exchange.open()
        chosen = (
            waiting
            if query["status"] == "open"
            else [order for order in self.exchange.orders.values() if order not in waiting]
        )
        return [self.shown(order) for order in reversed(chosen)][: int(query["limit"])]

    def _cancel_all(self):
        """Cancel what is open; one that does not go is told with a status of its own."""
        answers = []
        for order in self.exchange.open():
            try:
                self.exchange.cancel(order.id)
            except Refusal as refusal:
                answers.append({"id": order.id, "status": 500, "body": {"message": str(refusal)}})
            else:
                answers.append({"id": order.id, "status": 200, "body": None})
        return answers

    def asset_class(self, symbol):
        if symbol in self.exchange.contracts:
            return "us_option"
        return "crypto" if "/" in symbol else "us_equity"

    def _contracts(self, query):
        """Return one page of contracts; it ends where the next one begins."""
        assert query["status"] == "active"
        first, last = query["expiration_date_gte"], query["expiration_date_lte"]
        rows = [
            contract
            for contract in self.exchange.contracts.values()
            if contract.underlying in query["underlying_symbols"].split(",")
            and first <= contract.expiry.isoformat() <= last
        ]
        begin, size = int(query.get("page_token", 0)), min(int(query["limit"]), self.page)
        following = str(begin + size) if begin + size < len(rows) else None
        return {
            "option_contracts": [self.contract(row) for row in rows[begin : begin + size]],
            "next_page_token": following,
        }

    def contract(self, row):
        return {
            "id": row.symbol, "symbol": row.symbol, "status": "active", "tradable": row.tradable,
            "expiration_date": row.expiry.isoformat(), "root_symbol": row.root or row.underlying,
            "underlying_symbol": row.underlying, "style": "american",
            "type": "call" if row.right == "C" else "put", "strike_price": str(row.strike),
            "multiplier": str(row.multiplier), "size": str(row.multiplier),
        }  # fmt: skip

    def _check_option(self, body):
        """Refuse what is refused of options beside what is refused of shares."""
        quantity = amount(body["qty"])
        contract = self.exchange.contracts[body["symbol"]]
        if quantity % 1:
            raise Refusal("quantity", "qty must be an integer for options orders")
        if body["time_in_force"] not in {"day", "gtc"}:
            raise Refusal("time", "order_time_in_force provided not supported for options trading")
        if body["type"] not in OPTION_TYPES:
            raise Refusal("type", "invalid order type for options trading")
        held = self.exchange.positions().get(body["symbol"], Decimal(0))
        closes = held < 0 if body["side"] == "buy" else held > 0
        inferred = f"{body['side']}_to_{'close' if closes else 'open'}"
        if body["position_intent"] != inferred:
            said = f"inferred: {inferred}, specified: {body['position_intent']}"
            raise Refusal("intent", f"position intent mismatch, {said}")
        if inferred == "sell_to_open":
            needed = quantity * contract.multiplier
            shares = self.exchange.positions().get(contract.underlying, Decimal(0))
            if contract.right == "C" and shares < needed:
                raise Refusal("uncovered", "account not eligible to trade uncovered options")
            if contract.right == "P" and self.exchange.cash < needed * contract.strike:
                raise Refusal("funds", "insufficient options buying power")

    def held(self):
        """Return positions, less what commissions took out of coins."""
        held = self.exchange.positions()
        for trade in self.exchange.trades:
            if "/" in trade.symbol and trade.side == "buy" and trade.symbol in held:
                held[trade.symbol] -= trade.quantity * self.coin_fee
        return held

    def _check_coin(self, body):
        if body["time_in_force"] not in {"gtc", "ioc"}:
            raise Refusal("time", "invalid crypto time_in_force")
        if body["type"] not in {"market", "limit", "stop_limit"}:
            raise Refusal("type", "invalid order type for crypto order")
        held = self.held().get(body["symbol"], Decimal(0))
        if body["side"] == "sell" and held < amount(body["qty"]):
            raise Refusal("funds", f"insufficient balance (available: {held})")

    def _check_fraction(self, body):
        if body["time_in_force"] != "day":
            raise Refusal("time", "fractional orders must be DAY orders")
        if body["type"] not in {"market", "limit", "stop", "stop_limit"}:
            raise Refusal("type", "fractional orders must be market, limit or stop orders")
        held = self.exchange.positions().get(body["symbol"], Decimal(0))
        if body["side"] == "sell" and held < amount(body["qty"]):
            raise Refusal("short", "fractional orders cannot be sold short")

    def _place(self, body, **more):
        if body["symbol"] in self.exchange.contracts:
            self._check_option(body)
        elif "position_intent" in body:
            raise Refusal("symbol", f"asset {body['symbol']} not found")
        elif "/" in body["symbol"]:
            self._check_coin(body)
        elif amount(body["qty"]) % 1:
            self._check_fraction(body)
        return self.exchange.place(
            client_id=body["client_order_id"],
            symbol=body["symbol"],
            side=body["side"],
            type=body["type"],
            quantity=amount(body["qty"]),
            tif=body["time_in_force"],
            limit=amount(body.get("limit_price")),
            stop=amount(body.get("stop_price")),
            trail=amount(body.get("trail_price")),
            intent=body.get("position_intent", ""),
            **more,
        )

    def _replace(self, order_id, body):
        exchange = self.exchange
        with exchange.lock:
            old = exchange.get(order_id)
            if old.status not in {"new", "partially_filled"}:
                raise Refusal("not_replaceable", f"order is {old.status}")
            new = exchange.place(
                client_id=body["client_order_id"], symbol=old.symbol, side=old.side, type=old.type,
                quantity=amount(body.get("qty")) or old.quantity, tif=old.tif,
                limit=amount(body.get("limit_price")) or old.limit,
                stop=amount(body.get("stop_price")) or old.stop, replaces=old.id,
            )  # fmt: skip
            old.status, old.replaced_by = "replaced", new.id
            exchange.tell("replaced", old)
            return new

    def shown(self, order):
        return {
            "id": order.id, "client_order_id": order.client_id, "symbol": order.symbol,
            "asset_class": self.asset_class(order.symbol),
            "side": order.side, "type": order.type,
            "qty": None if order.notional else str(order.quantity),
            "notional": str(order.notional) if order.notional else None,
            "filled_qty": str(order.filled), "status": order.status,
            "position_intent": order.intent,
            "limit_price": None if order.limit is None else str(order.limit),
            "stop_price": None if order.stop is None else str(order.stop),
            "created_at": order.created_at.isoformat(),
        }  # fmt: skip

    def activity(self, trade):
        return {
            "id": trade.id, "activity_type": "FILL", "order_id": trade.order_id,
            "symbol": trade.symbol, "side": trade.side, "qty": str(trade.quantity),
            "price": str(trade.price), "transaction_time": trade.at.isoformat(),
        }  # fmt: skip
