"""Binance (spot) through ccxt: coins, with a practice environment.

Requests go through ccxt's signing and error mapping as plain fields, because its own order methods
turn amounts into floats. What a failure proves is judged by the raw code of the answer, not by the
class of ccxt's exception: -1007 and its like, and every 5xx, say that the order may have been
taken. Our id is unique among open orders only, which is enough: nothing is ever sent twice.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Final

import ccxt  # type: ignore[import-untyped]  # it has no types
from django.conf import settings

from brokers.adapters.base import (
    Access,
    Balance,
    Capabilities,
    Change,
    Execution,
    Offer,
    OrderRef,
    OrderRequest,
    OutcomeUnknown,
    Refused,
    VenueOrder,
    VenuePosition,
    venue_id,
)
from brokers.adapters.charges import Uncharged
from brokers.adapters.http import BrokerSession, failure, outcomes
from brokers.adapters.pace import pace_of
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce

TITLE: Final = "Binance"
TYPES: Final = MappingProxyType(
    {
        OrderType.MARKET: "MARKET",
        OrderType.LIMIT: "LIMIT",
        OrderType.STOP: "STOP_LOSS",
        OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    }
)
OUR_TYPES: Final = MappingProxyType({name: kind for kind, name in TYPES.items()})
PRICED: Final = (OrderType.LIMIT, OrderType.STOP_LIMIT)
STATUSES: Final = MappingProxyType(
    {
        "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
        "FILLED": OrderStatus.FILLED,
        "CANCELED": OrderStatus.CANCELED,
        "PENDING_CANCEL": OrderStatus.ACCEPTED,
        "REJECTED": OrderStatus.REJECTED,
        "EXPIRED": OrderStatus.EXPIRED,
        "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    }
)
# "The status of the execution is unknown", and what else does not say that nothing was done.
UNKNOWN_CODES: Final = frozenset({-1000, -1001, -1006, -1007, -1016})
NO_SUCH_ORDER: Final = -2013
NOT_CANCELED: Final = -2011
CLOCK: Final = -1021
RATE: Final = frozenset({-1003, -1015})
MINUTE_MS: Final = 60_000
STEP: Final = Decimal("1e-8")
DUPLICATE: Final = "Duplicate order"
# The longest first: FDUSD ends like USD.
QUOTES: Final = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "USD")
# Buying power, profit and limits are counted in it.
QUOTE: Final = "USDT"
CASH: Final = frozenset({"USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR", "TRY"})


def coin_of(symbol: str) -> str:
    """Return what is traded as a pair."""
    return symbol.partition("/")[0]


class BinanceBroker:
    """Orders at Binance's spot market."""

    title: ClassVar[str] = TITLE
    credential_fields: ClassVar[tuple[str, ...]] = ("api_key", "secret")
    capabilities: ClassVar[Capabilities] = Capabilities(
        asset_types=frozenset({AssetType.CRYPTO}),
        usual=Offer(
            frozenset(TYPES),
            frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
            fractional=True,
            short=False,
            lots=True,
        ),
        quotes=frozenset({QUOTE}),
        alike=coin_of,
        wallet=True,
        streaming=True,
    )

    def __init__(self) -> None:
        self._pace = pace_of("binance")
        self._lock = threading.Lock()
        self._clocks: dict[str, int] = {}

    def submit(self, access: Access, request: OrderRequest) -> VenueOrder:
        """Send an order, once."""
        fields = {
            "symbol": _market(request.symbol),
            "side": "BUY" if request.side in {Side.BUY, Side.COVER} else "SELL",
            "type": TYPES[request.order_type],
            "quantity": f"{request.quantity.normalize():f}",
            "newClientOrderId": _id(request.client_order_id),
            "newOrderRespType": "FULL",
        }
        if request.order_type in PRICED:
            fields["timeInForce"] = request.time_in_force.value.upper()
        for name, price in (("price", request.limit_price), ("stopPrice", request.stop_price)):
            if price is not None:
                fields[name] = f"{price.normalize():f}"
        row = self._call(access, "privatePostOrder", fields)
        with outcomes(TITLE):
            executions = tuple(
                execution_told(
                    row["symbol"], row["side"], fill, (row["transactTime"], fill["tradeId"])
                )
                for fill in row.get("fills", ())
                if commission_known(row["symbol"], fill)
            )
        return _order(row, executions)

    def cancel(self, access: Access, ref: OrderRef) -> None:
        """Ask for an order to be canceled."""
        self._call(access, "privateDeleteOrder", _ref(ref))

    def replace(self, access: Access, ref: OrderRef, change: Change) -> VenueOrder:  # noqa: ARG002 - the protocol's signature
        """Refuse: the spot market has no replacement that keeps the order safe on failure."""
        raise Refused("unsupported", f"{TITLE} cannot change an order.")

    def find(self, access: Access, ref: OrderRef) -> VenueOrder | None:
        """Return the order under our id, with its executions."""
        try:
            row = self._call(access, "privateGetOrder", _ref(ref))
        except Refused as refusal:
            if refusal.code == str(NO_SUCH_ORDER):
                return None
            raise
        with outcomes(TITLE):
            if not Decimal(row["executedQty"]):
                return _order(row)
            fields = {"symbol": row["symbol"], "orderId": row["orderId"]}
        told = self._call(access, "privateGetMyTrades", fields)
        with outcomes(TITLE):
            return _order(row, tuple(self._execution(access, row, trade) for trade in told))

    def open_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return what waits."""
        return [_order(row) for row in self._call(access, "privateGetOpenOrders", {})]

    def positions(self, access: Access) -> Sequence[VenuePosition]:
        """Return the coins that are no money, against USDT."""
        row = self._call(access, "privateGetAccount", {"omitZeroBalances": "true"})
        with outcomes(TITLE):
            return [
                VenuePosition(f"{each['asset']}/USDT", units, Decimal(0))
                for each in row["balances"]
                if each["asset"] not in CASH
                and (units := Decimal(each["free"]) + Decimal(each["locked"]))
            ]

    def balance(self, access: Access) -> Balance:
        """Return the account's USDT."""
        row = self._call(access, "privateGetAccount", {"omitZeroBalances": "true"})
        with outcomes(TITLE):
            for each in row["balances"]:
                if each["asset"] == "USDT":
                    free = Decimal(each["free"])
                    cash = free + Decimal(each["locked"])
                    return Balance("USDT", equity=cash, cash=cash, buying_power=free)
        return Balance("USDT", equity=Decimal(0), cash=Decimal(0), buying_power=Decimal(0))

    def commissions(self, access: Access, orders: Sequence[Uncharged]) -> Mapping[str, Decimal]:
        """Return what is known by now of some orders: what a coin was worth may be asked again."""
        told = (self.find(access, one.ref) for one in orders)
        return {
            execution.execution_id: execution.commission
            for order in told
            if order is not None
            for execution in order.executions
            if execution.commission is not None
        }

    def _execution(self, access: Access, row: Any, trade: Any) -> Execution:
        """Return a fill; a commission in another coin counts by its price when it was charged."""
        market, worth = row["symbol"], None
        if not commission_known(market, trade):
            worth = self._worth(access, trade["commissionAsset"], market, int(trade["time"]))
        return execution_told(market, row["side"], trade, (trade["time"], trade["id"]), worth)

    def _worth(self, access: Access, coin: str, market: str, ms: int) -> Decimal | None:
        """Return what a coin was worth in the money of a market; None where nobody says."""
        quote = symbol_told(market).partition("/")[2]
        fields = {"symbol": f"{coin}{quote}", "interval": "1m", "limit": "1"}
        fields["startTime"] = str(ms - ms % MINUTE_MS)
        try:
            bars = self._call(access, "publicGetKlines", fields)
        except (Refused, OutcomeUnknown):
            return None
        return Decimal(bars[0][4]) if bars else None

    def _call(self, access: Access, method: str, fields: Mapping[str, str]) -> Any:
        self._pace.wait(access.account_id)
        client, session = self._client(access)
        try:
            with session, outcomes(TITLE):
                return getattr(client, method)(dict(fields))
        except ccxt.BaseError as error:
            raise self._failure(client, session) from error

    def _client(self, access: Access) -> tuple[Any, BrokerSession]:
        """Return a client for one call; its clock is set by Binance's once for each key."""
        key = access.credentials["api_key"]
        client = ccxt.binance(
            {
                "apiKey": key,
                "secret": access.credentials["secret"],
                "timeout": int(settings.BROKER_TIMEOUT_S * 1000),
                "enableRateLimit": False,
                "options": {"maxRetriesOnFailure": 0, "warnOnFetchOpenOrdersWithoutSymbol": False},
            }
        )
        session = client.session = BrokerSession()
        if not access.live:
            client.set_sandbox_mode(True)
        if url := settings.BROKER_URLS.get("binance", ""):
            client.urls["api"] = {
                name: f"{url}/{path.split('/', 3)[3]}"
                for name, path in client.urls["api"].items()
                if isinstance(path, str) and path.count("/") > 3
            }
        with self._lock:
            known = self._clocks.get(key)
        if known is None:
            try:
                with outcomes(TITLE):
                    known = int(client.load_time_difference())
            except ccxt.BaseError as error:
                raise self._failure(client, session) from error
            with self._lock:
                self._clocks[key] = known
        client.options["timeDifference"] = known
        return client, session

    def _failure(self, client: Any, session: BrokerSession) -> Refused | OutcomeUnknown:
        """Judge an answer by its raw code."""
        code, message = _raw(client.last_http_response)
        if code is None or session.status is None:
            status = session.status if session.status != 200 else None
            return failure(TITLE, status, "", message)
        if code in UNKNOWN_CODES or DUPLICATE in message:
            return OutcomeUnknown(f"{TITLE}: {message}")
        if code == CLOCK:
            with self._lock:
                self._clocks.pop(client.apiKey, None)
            return Refused("clock_skew", f"{TITLE}: {message}")
        name = "rate_limited" if code in RATE else str(code)
        return failure(TITLE, session.status, name, message)


def _raw(text: Any) -> tuple[int | None, str]:
    """Return code and message of an error as Binance sends it."""
    try:
        body = json.loads(text or "")
        return int(body["code"]), str(body.get("msg", ""))
    except (ValueError, LookupError, TypeError):
        return None, ""


def _market(symbol: str) -> str:
    return symbol.replace("/", "")


def symbol_told(market: str) -> str:
    """Return our name of a market: BTCUSDT is BTC/USDT."""
    for quote in QUOTES:
        if market.endswith(quote) and len(market) > len(quote):
            return f"{market[: -len(quote)]}/{quote}"
    return market


def _id(client_order_id: str) -> str:
    return venue_id(client_order_id, longest=36, allowed=r"[A-Za-z0-9.:/_-]")


def _ref(ref: OrderRef) -> dict[str, str]:
    fields = {"symbol": _market(ref.symbol)}
    if ref.client_order_id.startswith("external-"):
        return fields | {"orderId": ref.broker_order_id}
    return fields | {"origClientOrderId": _id(ref.client_order_id)}


def _order(row: dict[str, Any], executions: tuple[Execution, ...] = ()) -> VenueOrder:
    with outcomes(TITLE):
        return VenueOrder(
            broker_order_id=str(row["orderId"]),
            status=STATUSES.get(row["status"], OrderStatus.ACCEPTED),
            executions=executions,
            client_order_id=row["clientOrderId"],
            symbol=symbol_told(row["symbol"]),
            side=Side.BUY if row["side"] == "BUY" else Side.SELL,
            order_type=OUR_TYPES.get(row["type"], OrderType.MARKET),
            quantity=Decimal(row["origQty"]),
        )


def commission_known(market: str, row: Any) -> bool:
    """Tell whether a fill says itself what its commission was worth: in its coin, or its money."""
    return not Decimal(row["commission"]) or row["commissionAsset"] in _pair(market)


def execution_told(
    market: str, side: str, row: Any, of: tuple[Any, Any], worth: Decimal | None = None
) -> Execution:
    """Return a fill.

    What is bought is told before its commission, which is taken out of it.

    Parameters
    ----------
    of : tuple
        When it happened, in milliseconds, and the venue's number of it.
    worth : Decimal, optional
        What a coin was worth that is neither of the pair's, where the commission is in it.
    """
    (coin, quote), (ms, identifier) = _pair(market), of
    price, charged = Decimal(row["price"]), Decimal(row["commission"])
    charged_in = row.get("commissionAsset") if charged else ""
    own = charged_in == coin
    value = Decimal(1) if charged_in in {"", quote} else price if own else worth
    return Execution(
        execution_id=f"{market}-{identifier}",
        quantity=Decimal(row["qty"]),
        price=price,
        commission=None if value is None else (charged * value).quantize(STEP),
        executed_at=datetime.fromtimestamp(int(ms) / 1000, UTC),
        taken=charged if own and side == "BUY" else Decimal(0),
        charged_in="" if charged_in == quote else charged_in or "",
    )


def _pair(market: str) -> tuple[str, str]:
    coin, _, quote = symbol_told(market).partition("/")
    return coin, quote
