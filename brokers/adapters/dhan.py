"""Dhan through its library dhanhq: shares and options in India, without practice.

Our id goes as the order's correlation id, by which an order is found; nothing is refused for having
one twice. The library turns every failure into an answer without a status, so the status is kept
by the session under it. Shares and options have numbers there, which come from Dhan's lists of
instruments. Options are those of the National Stock Exchange.
"""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Final

from dhanhq import DhanContext, dhanhq  # type: ignore[import-untyped]  # it has no types
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
    Refused,
    Replacing,
    VenueOrder,
    VenuePosition,
    venue_id,
)
from brokers.adapters.charges import Uncharged
from brokers.adapters.dhan_statement import statement_read, statement_total
from brokers.adapters.http import BrokerSession, failure, outcomes
from brokers.adapters.indian import name_of, share_of, symbol_of, time_of
from brokers.adapters.indian_charges import charges_shared
from brokers.adapters.indian_options import Called, Columns, OptionList
from brokers.adapters.pace import pace_of
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from market.contracts import contract_terms

TITLE: Final = "Dhan"
ID_LENGTH: Final = 25
LIST_GOOD_FOR_S: Final = 12 * 3600
SEGMENTS: Final = MappingProxyType({"NSE": "NSE_EQ", "BSE": "BSE_EQ"})
EXCHANGES: Final = MappingProxyType({segment: name for name, segment in SEGMENTS.items()})
TYPES: Final = MappingProxyType(
    {
        OrderType.MARKET: "MARKET",
        OrderType.LIMIT: "LIMIT",
        OrderType.STOP: "STOP_LOSS_MARKET",
        OrderType.STOP_LIMIT: "STOP_LOSS",
    }
)
OUR_TYPES: Final = MappingProxyType({name: kind for kind, name in TYPES.items()})
# The exchange has no stops of options without a limit.
OPTION_TYPES: Final = frozenset(TYPES) - {OrderType.STOP}
TIMES_IN_FORCE: Final = frozenset({TimeInForce.DAY, TimeInForce.IOC})
OPTIONS: Final = "NSE_FNO"
COLUMNS: Final = Columns(
    key="SECURITY_ID",
    name="UNDERLYING_SYMBOL",
    expiry="SM_EXPIRY_DATE",
    strike="STRIKE_PRICE",
    right="OPTION_TYPE",
    lot="LOT_SIZE",
)
STATUSES: Final = MappingProxyType(
    {
        "PART_TRADED": OrderStatus.PARTIALLY_FILLED,
        "TRADED": OrderStatus.FILLED,
        "REJECTED": OrderStatus.REJECTED,
        "CANCELLED": OrderStatus.CANCELED,
        "EXPIRED": OrderStatus.EXPIRED,
    }
)
ENDED: Final = frozenset({"TRADED", "REJECTED", "CANCELLED", "EXPIRED"})
TOKEN: Final = frozenset({"DH-901", "DH-902"})
RATE: Final = "DH-904"
# "Incorrect request for order and cannot be processed", "unable to process", and no data.
MISSING: Final = frozenset({"DH-907"})
UNKNOWN_CODES: Final = frozenset({"DH-908", "DH-909"})


class DhanBroker:
    """Orders at Dhan."""

    title: ClassVar[str] = TITLE
    credential_fields: ClassVar[tuple[str, ...]] = ("client_id", "access_token")
    capabilities: ClassVar[Capabilities] = Capabilities(
        asset_types=frozenset({AssetType.STOCK, AssetType.OPTION}),
        # What is placed out of hours is another kind of order there, taken at certain hours only.
        usual=Offer(frozenset(TYPES), TIMES_IN_FORCE, queues=False),
        offers={AssetType.OPTION: Offer(OPTION_TYPES, TIMES_IN_FORCE, queues=False)},
        replacing=Replacing.IN_PLACE,
        alike=name_of,
        practice=False,
        streaming=True,
    )

    def __init__(self) -> None:
        self._pace = pace_of("dhan")
        self._options = option_list()
        self._lock = threading.Lock()
        self._lists: dict[str, tuple[float, dict[str, str]]] = {}

    def submit(self, access: Access, request: OrderRequest) -> VenueOrder:
        """Send an order, once."""
        segment, number, product, lot = self._traded(access, request)
        row = self._call(
            access,
            lambda client: client.place_order(
                security_id=number,
                exchange_segment=segment,
                transaction_type="BUY" if request.side in {Side.BUY, Side.COVER} else "SELL",
                quantity=int(request.quantity * lot),
                order_type=TYPES[request.order_type],
                product_type=product,
                price=float(request.limit_price or 0),
                trigger_price=float(request.stop_price or 0),
                validity=request.time_in_force.value.upper(),
                tag=_id(request.client_order_id),
            ),
        )
        with outcomes(TITLE):
            return VenueOrder(
                broker_order_id=str(row["orderId"]),
                status=OrderStatus.REJECTED
                if row["orderStatus"] == "REJECTED"
                else OrderStatus.ACCEPTED,
                client_order_id=request.client_order_id,
                symbol=request.symbol,
                side=request.side,
                order_type=request.order_type,
                quantity=request.quantity,
            )

    def cancel(self, access: Access, ref: OrderRef) -> None:
        """Ask for an order to be canceled."""
        self._call(access, lambda client: client.cancel_order(ref.broker_order_id))

    def replace(self, access: Access, ref: OrderRef, change: Change) -> VenueOrder:
        """Change an order in place."""
        lot = self._options.of(access, ref.symbol).lot if contract_terms(ref.symbol) else 1
        self._call(
            access,
            lambda client: client.modify_order(
                order_id=ref.broker_order_id,
                order_type=TYPES[change.order_type],
                leg_name="",
                quantity=int(change.quantity * lot),
                price=float(change.limit_price or 0),
                trigger_price=float(change.stop_price or 0),
                disclosed_quantity=0,
                validity=change.time_in_force.value.upper(),
            ),
        )
        found = self.find(access, ref)
        if found is None:
            raise OutcomeUnknown(f"{TITLE} does not show the changed order.")
        return found

    def find(self, access: Access, ref: OrderRef) -> VenueOrder | None:
        """Return the order under our id, with its executions."""
        ask: Callable[[Any], Any] = lambda client: client.get_order_by_correlationID(  # noqa: E731 - one of two
            _id(ref.client_order_id)
        )
        if ref.broker_order_id:
            ask = lambda client: client.get_order_by_id(ref.broker_order_id)  # noqa: E731 - the other
        try:
            row = self._call(access, ask)
        except Refused as refusal:
            if refusal.code in MISSING:
                return None
            raise
        with outcomes(TITLE):
            row = row[-1] if isinstance(row, list) else row
            order_id, filled = str(row["orderId"]), Decimal(str(row["filledQty"]))
        called = self._called(access, row)
        return _order(row, self._executions(access, order_id, called) if filled else (), called)

    def commissions(self, access: Access, orders: Sequence[Uncharged]) -> Mapping[str, Decimal]:
        """Return what was charged for orders, by the statement of trades from the first one on."""

        def ask(first: str, last: str, page: int) -> Any:
            return self._call(access, lambda client: client.get_trade_history(first, last, page))

        rows = statement_read(
            ask, since=min(each.executed_at for one in orders for each in one.executions)
        )
        found: dict[str, Decimal] = {}
        with outcomes(TITLE):
            for one in orders:
                told = [row for row in rows if str(row["orderId"]) == one.ref.broker_order_id]
                if told:
                    total, units = statement_total(told)
                    lot = _lot(self._called(access, told[0]))
                    found |= charges_shared(total, units, one.executions, lot=lot)
        return found

    def open_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return what waits."""
        return self._listed(access, ended=False)

    def ended_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return the orders of today that wait no more."""
        return self._listed(access, ended=True)

    def positions(self, access: Access) -> Sequence[VenuePosition]:
        """Return shares of today and of the days before: positions and holdings."""
        today = self._call(access, lambda client: client.get_positions())
        before = self._call(access, lambda client: client.get_holdings())
        with outcomes(TITLE):
            held: dict[str, Decimal] = {}
            paid: dict[str, Decimal] = {}
            for row in today:
                called = self._called(access, row)
                symbol, units = _symbol(row, called), Decimal(str(row["netQty"]))
                held[symbol] = held.get(symbol, Decimal(0)) + units / _lot(called)
                paid[symbol] = Decimal(str(row["costPrice"]))
            for row in before:
                # One of both exchanges is "ALL".
                exchange = "BSE" if row.get("exchange") == "BSE" else "NSE"
                symbol = symbol_of(exchange, row["tradingSymbol"])
                held[symbol] = held.get(symbol, Decimal(0)) + Decimal(str(row["totalQty"]))
                paid.setdefault(symbol, Decimal(str(row["avgCostPrice"])))
            return [
                VenuePosition(symbol, units, paid[symbol])
                for symbol, units in held.items()
                if units
            ]

    def balance(self, access: Access) -> Balance:
        """Return the account's money."""
        row = self._call(access, lambda client: client.get_fund_limits())
        with outcomes(TITLE):
            # The broker's own spelling.
            free = Decimal(str(row["availabelBalance"]))
            return Balance("INR", equity=free, cash=free, buying_power=free)

    def contracts(
        self, access: Access, *, underlying: str, first: date, last: date
    ) -> Sequence[ListedContract]:
        """Return the options that can be traded."""
        return self._options.contracts(access, underlying=underlying, first=first, last=last)

    def _listed(self, access: Access, *, ended: bool) -> list[VenueOrder]:
        """Return the orders of today that wait, or those that do not."""
        rows = self._call(access, lambda client: client.get_order_list())
        with outcomes(TITLE):
            return [
                _order(row, called=self._called(access, row))
                for row in rows
                if (row["orderStatus"] in ENDED) == ended
            ]

    def _traded(self, access: Access, request: OrderRequest) -> tuple[str, str, str, int]:
        """Return segment, number and product of what an order is for, and the units of one."""
        if request.asset_type == AssetType.OPTION:
            called = self._options.ordered(access, request)
            return OPTIONS, called.key, "MARGIN", called.lot
        exchange, name = share_of(request.symbol)
        # Shares cannot be sold short overnight.
        intraday = request.side in {Side.SHORT, Side.COVER}
        number = self._number(exchange, name)
        return SEGMENTS[exchange], number, "INTRADAY" if intraday else "CNC", 1

    def _called(self, access: Access, row: dict[str, Any]) -> Called | None:
        """Return the option that an order or a position is about; None where it is about none."""
        with outcomes(TITLE):
            if row["exchangeSegment"] != OPTIONS:
                return None
            return self._options.told(access, str(row["securityId"]))

    def _executions(
        self, access: Access, order_id: str, called: Called | None
    ) -> tuple[Execution, ...]:
        rows = self._call(access, lambda client: client.get_trade_book(order_id))
        with outcomes(TITLE):
            return tuple(
                Execution(
                    # Numbers of trades are an exchange's, of one segment and one day.
                    execution_id=f"{order_id}-{row['exchangeTradeId']}",
                    quantity=Decimal(str(row["tradedQuantity"])) / _lot(called),
                    price=Decimal(str(row["tradedPrice"])),
                    commission=None,
                    executed_at=time_of(row["exchangeTime"]),
                )
                for row in (rows if isinstance(rows, list) else [rows])
            )

    def _number(self, exchange: str, name: str) -> str:
        """Return a share's number; the list of them is fetched twice a day."""
        segment = SEGMENTS[exchange]
        with self._lock:
            since, numbers = self._lists.get(segment, (0.0, {}))
        if not numbers or time.monotonic() - since > LIST_GOOD_FOR_S:
            numbers = self._numbers(segment)
            with self._lock:
                self._lists[segment] = time.monotonic(), numbers
        if name not in numbers:
            raise Refused("symbol", f"{TITLE} knows no share {name} at {exchange}.")
        return numbers[name]

    def _numbers(self, segment: str) -> dict[str, str]:
        """Fetch the list; without it nothing was sent, which is a proven refusal."""
        try:
            with outcomes(TITLE):
                return {
                    row["UNDERLYING_SYMBOL"]: row["SECURITY_ID"]
                    for row in csv.DictReader(io.StringIO(_list_told(segment)))
                    if row["INSTRUMENT"] == "EQUITY"
                }
        except OutcomeUnknown as error:
            raise Refused("no_instruments", f"{TITLE} does not tell its shares.") from error

    def _call(self, access: Access, ask: Callable[[Any], dict[str, Any]]) -> Any:
        self._pace.wait(access.account_id)
        context = DhanContext(access.credentials["client_id"], access.credentials["access_token"])
        http = context.get_dhan_http()
        http.timeout = settings.BROKER_TIMEOUT_S
        http.base_url = settings.BROKER_URLS.get("dhan", "") or http.base_url
        session = http.session = BrokerSession()
        with session, outcomes(TITLE):
            reply = ask(dhanhq(context))
            if reply["status"] == "success":
                return reply["data"]
            said = reply["remarks"]
        if not isinstance(said, dict) or not said.get("error_code"):
            raise OutcomeUnknown(f"{TITLE} did not answer: {said}")
        code, message = str(said["error_code"]), str(said["error_message"])
        if code in UNKNOWN_CODES:
            raise OutcomeUnknown(f"{TITLE}: {message}")
        name = "credentials_refused" if code in TOKEN else "rate_limited" if code == RATE else code
        raise failure(TITLE, session.status, name, message)


def _id(client_order_id: str) -> str:
    return venue_id(client_order_id, longest=ID_LENGTH, allowed=r"[A-Za-z0-9 _-]")


def option_list() -> OptionList:
    """Return the options that the broker lists; they are fetched when they are asked for."""
    return OptionList(TITLE, COLUMNS, lambda _: _list_told(OPTIONS))


def _list_told(segment: str) -> str:
    """Return the instruments of a segment, for which nobody asks who wants to know."""
    url = f"{settings.BROKER_URLS.get('dhan', '') or 'https://api.dhan.co/v2'}/instrument/{segment}"
    with BrokerSession() as session, outcomes(TITLE):
        response = session.request("GET", url)
        response.raise_for_status()
        return response.text


def _lot(called: Called | None) -> int:
    return called.lot if called else 1


def _symbol(row: dict[str, Any], called: Called | None) -> str:
    segment = row["exchangeSegment"]
    return (
        called.symbol
        if called
        else symbol_of(EXCHANGES.get(segment, segment), row["tradingSymbol"])
    )


def _order(
    row: dict[str, Any],
    executions: tuple[Execution, ...] = (),
    called: Called | None = None,
) -> VenueOrder:
    with outcomes(TITLE):
        return VenueOrder(
            broker_order_id=str(row["orderId"]),
            status=STATUSES.get(row["orderStatus"], OrderStatus.ACCEPTED),
            executions=executions,
            client_order_id=row.get("correlationId") or "",
            symbol=_symbol(row, called),
            side=Side.BUY if row["transactionType"] == "BUY" else Side.SELL,
            order_type=OUR_TYPES.get(row["orderType"], OrderType.MARKET),
            quantity=Decimal(str(row["quantity"])) / _lot(called),
            limit_price=Decimal(str(row["price"])) if row.get("price") else None,
            stop_price=Decimal(str(row["triggerPrice"])) if row.get("triggerPrice") else None,
            reason=row.get("omsErrorDescription") or "",
        )
