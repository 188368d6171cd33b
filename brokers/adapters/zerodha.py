"""Zerodha through the REST API of Kite Connect: shares and options in India, without practice.

Its own library drags in a package that breaks Python's, so the API is spoken here. Our id goes as
the order's tag, of 20 letters and digits; nothing is refused for having a tag twice, and an order
is found by searching the day's order book for it. The access token is good for one day. Options are
those of the National Stock Exchange. Orders without a price must be protected against a bad one;
by how much is left to the broker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeVar

import requests
from django.conf import settings

from brokers.adapters.base import (
    Access,
    Balance,
    Capabilities,
    Change,
    Execution,
    ListedContract,
    Offer,
    OrderRef,
    OrderRequest,
    OutcomeUnknown,
    Replacing,
    VenueOrder,
    VenuePosition,
    venue_id,
)
from brokers.adapters.charges import Uncharged
from brokers.adapters.http import BrokerSession, failure, outcomes
from brokers.adapters.indian import name_of, share_of, symbol_of, time_of
from brokers.adapters.indian_charges import charges_shared
from brokers.adapters.indian_options import Called, Columns, OptionList
from brokers.adapters.pace import pace_of
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from market.contracts import contract_terms

TITLE: Final = "Zerodha"
HOST: Final = "https://api.kite.trade"
TAG: Final = 20
TYPES: Final = MappingProxyType(
    {
        OrderType.MARKET: "MARKET",
        OrderType.LIMIT: "LIMIT",
        OrderType.STOP: "SL-M",
        OrderType.STOP_LIMIT: "SL",
    }
)
OUR_TYPES: Final = MappingProxyType({name: kind for kind, name in TYPES.items()})
# The exchange has no stops of options without a limit.
OPTION_TYPES: Final = frozenset(TYPES) - {OrderType.STOP}
TIMES_IN_FORCE: Final = frozenset({TimeInForce.DAY, TimeInForce.IOC})
UNPRICED: Final = frozenset({OrderType.MARKET, OrderType.STOP})
PROTECTION: Final = MappingProxyType({"market_protection": "-1"})
OPTIONS: Final = "NFO"
# Of holdings: delivered and free, on their way, pledged, and sold since the night.
HELD: Final = ("quantity", "t1_quantity", "collateral_quantity", "used_quantity")
COLUMNS: Final = Columns(
    key="tradingsymbol",
    name="name",
    expiry="expiry",
    strike="strike",
    right="instrument_type",
    lot="lot_size",
)
STATUSES: Final = MappingProxyType(
    {
        "COMPLETE": OrderStatus.FILLED,
        "REJECTED": OrderStatus.REJECTED,
        "CANCELLED": OrderStatus.CANCELED,
        "CANCELLED AMO": OrderStatus.CANCELED,
    }
)
# What its error types prove; others are judged by the HTTP status.
UNKNOWN_ERRORS: Final = frozenset({"NetworkException", "DataException", "GeneralException"})
CODES: Final = MappingProxyType({"TokenException": "credentials_refused"})
Answer = TypeVar("Answer")
# A form, or what is sent as JSON.
Fields = dict[str, str] | list[dict[str, Any]]


class ZerodhaBroker:
    """Orders at Zerodha."""

    title: ClassVar[str] = TITLE
    credential_fields: ClassVar[tuple[str, ...]] = ("api_key", "access_token")
    capabilities: ClassVar[Capabilities] = Capabilities(
        asset_types=frozenset({AssetType.STOCK, AssetType.OPTION}),
        # What is placed out of hours is another kind of order there, taken at certain hours only.
        usual=Offer(frozenset(TYPES), TIMES_IN_FORCE, queues=False),
        offers={AssetType.OPTION: Offer(OPTION_TYPES, TIMES_IN_FORCE, queues=False)},
        replacing=Replacing.IN_PLACE,
        client_ids=False,
        alike=name_of,
        practice=False,
        streaming=True,
    )

    def __init__(self) -> None:
        self._pace = pace_of("zerodha")
        self._options = option_list()

    def submit(self, access: Access, request: OrderRequest) -> VenueOrder:
        """Send an order, once."""
        exchange, name, product, lot = self._traded(access, request)
        fields = {
            "exchange": exchange,
            "tradingsymbol": name,
            "transaction_type": "BUY" if request.side in {Side.BUY, Side.COVER} else "SELL",
            "order_type": TYPES[request.order_type],
            "quantity": f"{request.quantity * lot:.0f}",
            "product": product,
            "validity": request.time_in_force.value.upper(),
            "tag": _tag(request.client_order_id),
        } | _prices(request.order_type, request.limit_price, request.stop_price)
        data = self._call(access, "POST", "/orders/regular", fields)
        with outcomes(TITLE):
            return VenueOrder(
                broker_order_id=str(data["order_id"]),
                status=OrderStatus.ACCEPTED,
                client_order_id=fields["tag"],
                symbol=request.symbol,
                side=request.side,
                order_type=request.order_type,
                quantity=request.quantity,
            )

    def cancel(self, access: Access, ref: OrderRef) -> None:
        """Ask for an order to be canceled."""
        self._call(access, "DELETE", f"/orders/regular/{ref.broker_order_id}")

    def replace(self, access: Access, ref: OrderRef, change: Change) -> VenueOrder:
        """Change an order in place."""
        lot = self._options.of(access, ref.symbol).lot if contract_terms(ref.symbol) else 1
        fields = {
            "order_type": TYPES[change.order_type],
            "quantity": f"{change.quantity * lot:.0f}",
            "validity": change.time_in_force.value.upper(),
        } | _prices(change.order_type, change.limit_price, change.stop_price)
        self._call(access, "PUT", f"/orders/regular/{ref.broker_order_id}", fields)
        found = self.find(access, ref)
        if found is None:
            raise OutcomeUnknown(f"{TITLE} does not show the changed order.")
        return found

    def find(self, access: Access, ref: OrderRef) -> VenueOrder | None:
        """Search the order book for our tag, and return the order with its executions."""
        tag = _tag(ref.client_order_id)
        rows = self._call(access, "GET", "/orders")
        with outcomes(TITLE):
            found = [
                row
                for row in rows
                if row["order_id"] == ref.broker_order_id
                or (not ref.broker_order_id and row.get("tag") == tag)
            ]
            if not found:
                return None
            row = found[-1]
            filled = int(row["filled_quantity"]) > 0
        called = option_called(self._options, access, row)
        executions = self._executions(access, row["order_id"], called) if filled else ()
        return order_told(row, executions, called)

    def commissions(self, access: Access, orders: Sequence[Uncharged]) -> Mapping[str, Decimal]:
        """Return what was charged for orders of today that are over, by its contract note of them.

        The notes come in the order in which they are asked for.
        """
        wanted = {one.ref.broker_order_id: one.executions for one in orders}
        told = self._call(access, "GET", "/orders")
        with outcomes(TITLE):
            over = [row for row in told if row["order_id"] in wanted and row["status"] in STATUSES]
            asked = [_note_of(row) for row in over]
        if not asked:
            return {}
        notes = self._call(access, "POST", "/charges/orders", asked)
        found: dict[str, Decimal] = {}
        with outcomes(TITLE):
            for row, note in zip(over, notes, strict=True):
                if note["tradingsymbol"] != row["tradingsymbol"]:
                    raise LookupError(row["tradingsymbol"])
                lot = _lot(option_called(self._options, access, row))
                total = Decimal(str(note["charges"]["total"]))
                units = Decimal(row["filled_quantity"])
                found |= charges_shared(total, units, wanted[row["order_id"]], lot=lot)
        return found

    def open_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return what waits."""
        return self._listed(access, ended=False)

    def ended_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return the orders of today that wait no more."""
        return self._listed(access, ended=True)

    def positions(self, access: Access) -> Sequence[VenuePosition]:
        """Return shares of today and of the days before: positions and holdings.

        What was sold of holdings is told twice, there and as a position below zero.
        """
        today = self._call(access, "GET", "/portfolio/positions")
        before = self._call(access, "GET", "/portfolio/holdings")
        with outcomes(TITLE):
            held: dict[str, VenuePosition] = {}
            for row in [*today["net"], *before]:
                called = option_called(self._options, access, row)
                symbol = _symbol(row, called)
                units = sum((Decimal(row.get(name, 0)) for name in HELD), Decimal(0))
                units /= _lot(called)
                known = held.get(symbol)
                held[symbol] = VenuePosition(
                    symbol,
                    units + (known.quantity if known else 0),
                    Decimal(str(row["average_price"])),
                )
            return [position for position in held.values() if position.quantity]

    def balance(self, access: Access) -> Balance:
        """Return the account's money."""
        data = self._call(access, "GET", "/user/margins")
        with outcomes(TITLE):
            equity = data["equity"]
            cash = Decimal(str(equity["available"]["cash"]))
            net = Decimal(str(equity["net"]))
            return Balance("INR", equity=net, cash=cash, buying_power=net)

    def contracts(
        self, access: Access, *, underlying: str, first: date, last: date
    ) -> Sequence[ListedContract]:
        """Return the options that can be traded."""
        return self._options.contracts(access, underlying=underlying, first=first, last=last)

    def _listed(self, access: Access, *, ended: bool) -> list[VenueOrder]:
        """Return the orders of today that wait, or those that do not."""
        rows = self._call(access, "GET", "/orders")
        with outcomes(TITLE):
            return [
                order_told(row, called=option_called(self._options, access, row))
                for row in rows
                if (row["status"] in STATUSES) == ended
            ]

    def _traded(self, access: Access, request: OrderRequest) -> tuple[str, str, str, int]:
        """Return exchange, name and product of what an order is for, and the units of one."""
        if request.asset_type == AssetType.OPTION:
            called = self._options.ordered(access, request)
            return OPTIONS, called.key, "NRML", called.lot
        # Shares cannot be sold short overnight.
        intraday = request.side in {Side.SHORT, Side.COVER}
        return (*share_of(request.symbol), "MIS" if intraday else "CNC", 1)

    def _executions(
        self, access: Access, order_id: str, called: Called | None
    ) -> tuple[Execution, ...]:
        rows = self._call(access, "GET", f"/orders/{order_id}/trades")
        with outcomes(TITLE):
            return tuple(
                Execution(
                    # Numbers of trades are an exchange's, of one segment and one day.
                    execution_id=f"{order_id}-{row['trade_id']}",
                    quantity=Decimal(row["quantity"]) / _lot(called),
                    price=Decimal(str(row["average_price"])),
                    commission=None,
                    executed_at=time_of(row["fill_timestamp"]),
                )
                for row in rows
            )

    def _call(self, access: Access, method: str, path: str, fields: Fields | None = None) -> Any:
        self._pace.wait(access.account_id)
        return _answer(access, method, path, lambda response: response.json()["data"], fields)


def option_list() -> OptionList:
    """Return the options that the broker lists; they are fetched when they are asked for."""
    return OptionList(
        TITLE,
        COLUMNS,
        lambda access: _answer(access, "GET", f"/instruments/{OPTIONS}", lambda told: told.text),
    )


def option_called(options: OptionList, access: Access, row: dict[str, Any]) -> Called | None:
    """Return the option that an order or a position is about; None where it is about none."""
    with outcomes(TITLE):
        return options.told(access, row["tradingsymbol"]) if row["exchange"] == OPTIONS else None


def _answer(
    access: Access,
    method: str,
    path: str,
    read: Callable[[requests.Response], Answer],
    fields: Fields | None = None,
) -> Answer:
    key, token = access.credentials["api_key"], access.credentials["access_token"]
    headers = {"X-Kite-Version": "3", "Authorization": f"token {key}:{token}"}
    url = f"{settings.BROKER_URLS.get('zerodha', '') or HOST}{path}"
    with BrokerSession() as session, outcomes(TITLE):
        sent = {"json": fields} if isinstance(fields, list) else {"data": fields}
        response = session.request(method, url, **sent, headers=headers, allow_redirects=False)
        if response.status_code < 300:
            return read(response)
        body = response.json()
        kind, message = str(body.get("error_type", "")), str(body.get("message", ""))
    if kind in UNKNOWN_ERRORS and response.status_code != 429:
        raise OutcomeUnknown(f"{TITLE}: {message}")
    raise failure(TITLE, response.status_code, CODES.get(kind, kind), message)


def _note_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a contract note is asked for by: what an order has come to."""
    names = (
        "order_id", "exchange", "tradingsymbol", "transaction_type", "variety", "product",
        "order_type", "average_price",
    )  # fmt: skip
    return {name: row[name] for name in names} | {"quantity": row["filled_quantity"]}


def _tag(client_order_id: str) -> str:
    return venue_id(client_order_id, longest=TAG)


def _prices(order_type: OrderType, limit: Decimal | None, stop: Decimal | None) -> dict[str, str]:
    prices = {"price": limit, "trigger_price": stop}
    given = {name: f"{price.normalize():f}" for name, price in prices.items() if price is not None}
    return given | (dict(PROTECTION) if order_type in UNPRICED else {})


def _lot(called: Called | None) -> int:
    return called.lot if called else 1


def _symbol(row: dict[str, Any], called: Called | None) -> str:
    return called.symbol if called else symbol_of(row["exchange"], row["tradingsymbol"])


def order_told(
    row: dict[str, Any],
    executions: tuple[Execution, ...] = (),
    called: Called | None = None,
) -> VenueOrder:
    """Return an order as Zerodha shows it; of an option in contracts."""
    with outcomes(TITLE):
        return VenueOrder(
            broker_order_id=row["order_id"],
            status=STATUSES.get(row["status"], OrderStatus.ACCEPTED),
            executions=executions,
            client_order_id=row.get("tag") or "",
            symbol=_symbol(row, called),
            side=Side.BUY if row["transaction_type"] == "BUY" else Side.SELL,
            order_type=OUR_TYPES.get(row["order_type"], OrderType.MARKET),
            quantity=Decimal(row["quantity"]) / _lot(called),
            limit_price=Decimal(str(row["price"])) if row.get("price") else None,
            stop_price=Decimal(str(row["trigger_price"])) if row.get("trigger_price") else None,
            reason=row.get("status_message") or "",
        )
