"""Alpaca through its library alpaca-py: shares, options and coins, with a practice environment.

The library repeats requests and sets no time limit, so both are switched off; requests go through
its client as plain fields, because its models turn amounts into floats. Our id is unique at Alpaca
for ever: an order that is refused because it is there already was sent before, and is looked up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_UP, Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Final

from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from django.conf import settings

from brokers.adapters.alpaca_options import (
    ORDER_TYPES,
    PATH,
    TIMES_IN_FORCE,
    contracts_list,
    intent_of,
    option_check,
    side_told,
)
from brokers.adapters.base import (
    Access,
    Balance,
    CanceledAll,
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
from brokers.adapters.http import BrokerSession, failure, outcomes
from brokers.adapters.pace import pace_of
from brokers.choices import (
    FINAL_STATUSES,
    AssetType,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

TITLE: Final = "Alpaca"
# Where an order ends; in all others it may still fill. One that is done for the day goes on with
# the next, unless it was for the day: then it expires.
STATUSES: Final = MappingProxyType(
    {
        "partially_filled": OrderStatus.PARTIALLY_FILLED,
        "filled": OrderStatus.FILLED,
        "canceled": OrderStatus.CANCELED,
        "expired": OrderStatus.EXPIRED,
        "replaced": OrderStatus.REPLACED,
        "rejected": OrderStatus.REJECTED,
    }
)
TYPES: Final = MappingProxyType({order_type.value: order_type for order_type in OrderType})
# Parts of a share are traded for the day, and neither sold short nor trailed.
FRACTIONS: Final = Offer(
    order_types=frozenset(OrderType) - {OrderType.TRAILING_STOP},
    times_in_force=frozenset({TimeInForce.DAY}),
    fractional=True,
    short=False,
)
COINS: Final = Offer(
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT}),
    times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC}),
    fractional=True,
    short=False,
)
# Of trades in coins, at the most: fills do not tell it. It is taken out of what is received.
COIN_COMMISSION: Final = Decimal("0.0025")
STEP: Final = Decimal("1e-8")
BUYING: Final = (Side.BUY, Side.COVER)
PAGE: Final = 100
# As many orders as a list of them has at the most.
MOST_ORDERS: Final = 500
# Cancels are on their way to an exchange for so long.
CANCELED_IN_S: Final = 0.3
MOST_PAGES: Final = 50
# What coins are traded against; the longest first.
QUOTES: Final = ("USDT", "USDC", "USD", "BTC")
NOT_UNIQUE: Final = "must be unique"
# What the account may not do: it lacks the money, the shares or the permission.
NOT_ALLOWED: Final = 40310000


class AlpacaBroker:
    """Orders at Alpaca."""

    title: ClassVar[str] = TITLE
    credential_fields: ClassVar[tuple[str, ...]] = ("key_id", "secret")
    capabilities: ClassVar[Capabilities] = Capabilities(
        asset_types=frozenset({AssetType.STOCK, AssetType.CRYPTO, AssetType.OPTION}),
        usual=Offer(
            frozenset(OrderType), frozenset(TimeInForce), fractional=True, fractions=FRACTIONS
        ),
        offers={AssetType.OPTION: Offer(ORDER_TYPES, TIMES_IN_FORCE), AssetType.CRYPTO: COINS},
        replacing=Replacing.NEW_ORDER,
        coin_wallet=True,
        streaming=True,
    )

    def __init__(self) -> None:
        self._pace = pace_of("alpaca")

    def submit(self, access: Access, request: OrderRequest) -> VenueOrder:
        """Send an order, once."""
        option_check(request, TITLE)
        fields = {
            "client_order_id": _id(request.client_order_id),
            "symbol": request.symbol,
            "side": "buy" if request.side in BUYING else "sell",
            "position_intent": intent_of(request),
            "type": request.order_type.value,
            "time_in_force": request.time_in_force.value,
            "qty": _text(request.quantity),
            "limit_price": _text(request.limit_price),
            "stop_price": _text(request.stop_price),
            "trail_price": _text(request.trail_amount),
            "trail_percent": _text(request.trail_fraction and request.trail_fraction * 100),
        }
        row = self._call(access, "post", "/orders", _given(fields))
        return order_told(_of(fields, row))

    def cancel(self, access: Access, ref: OrderRef) -> None:
        """Ask for an order to be canceled."""
        self._call(access, "delete", f"/orders/{ref.broker_order_id}")

    def cancel_all(self, access: Access, refs: Sequence[OrderRef]) -> CanceledAll | None:
        """Cancel all open orders if all of them are among `refs`.

        A kill switch waits for no place: these few calls fit into what our rate leaves of theirs.
        """
        ours = {ref.broker_order_id for ref in refs} | {_id(ref.client_order_id) for ref in refs}
        rows = self._listed(access, "open", paced=False)
        with outcomes(TITLE):
            known = all(not ours.isdisjoint((row["id"], row["client_order_id"])) for row in rows)
        if not known or len(rows) >= MOST_ORDERS:
            return None
        if not rows:
            return CanceledAll()
        answers = self._call(access, "delete", "/orders", paced=False)
        with outcomes(TITLE):
            taken = frozenset(row["id"] for row in answers if row["status"] < 300)
        closed = self._closed(access, taken)
        if len(closed) < len(taken):
            time.sleep(CANCELED_IN_S)
            closed = self._closed(access, taken)
        with outcomes(TITLE):
            filled = frozenset(row["id"] for row in closed if float(row["filled_qty"]))
            ended = tuple(order_told(row) for row in closed if row["id"] not in filled)
        return CanceledAll(taken, ended, filled)

    def replace(self, access: Access, ref: OrderRef, change: Change) -> VenueOrder:
        """Put another order in the place of one."""
        fields = {
            "client_order_id": _id(change.client_order_id),
            "qty": _text(change.quantity),
            "time_in_force": change.time_in_force.value,
            "limit_price": _text(change.limit_price),
            "stop_price": _text(change.stop_price),
        }
        path = f"/orders/{ref.broker_order_id}"
        row = self._call(access, "patch", path, _given(fields))
        return order_told(_of(fields, row))

    def find(self, access: Access, ref: OrderRef) -> VenueOrder | None:
        """Return the order under our id, with its executions."""
        path, fields = "/orders:by_client_order_id", {"client_order_id": _id(ref.client_order_id)}
        if ref.client_order_id.startswith("external-"):
            path, fields = f"/orders/{ref.broker_order_id}", {}
        try:
            row = self._call(access, "get", path, fields)
        except Refused as refusal:
            if refusal.code == "not_found":
                return None
            raise
        _of(fields, row)
        with outcomes(TITLE):
            filled = Decimal(row["filled_qty"]) > 0
        return order_told(row, self._executions(access, row) if filled else ())

    def open_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return what waits."""
        rows = self._listed(access, "open")
        with outcomes(TITLE):
            return [order_told(row) for row in _single(rows)]

    def ended_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return the youngest orders that wait no more."""
        rows = self._listed(access, "closed")
        with outcomes(TITLE):
            return [order_told(row) for row in _single(rows)]

    def positions(self, access: Access) -> Sequence[VenuePosition]:
        """Return what the account holds."""
        rows = self._call(access, "get", "/positions")
        with outcomes(TITLE):
            return [
                VenuePosition(_held(row), Decimal(row["qty"]), Decimal(row["avg_entry_price"]))
                for row in rows
            ]

    def balance(self, access: Access) -> Balance:
        """Return the account's money."""
        row = self._call(access, "get", "/account")
        with outcomes(TITLE):
            return Balance(
                currency=row["currency"],
                equity=Decimal(row["equity"]),
                cash=Decimal(row["cash"]),
                buying_power=Decimal(row["buying_power"]),
            )

    def contracts(
        self, access: Access, *, underlying: str, first: date, last: date
    ) -> Sequence[ListedContract]:
        """Return the options that can be traded."""
        return contracts_list(
            lambda fields: self._call(access, "get", PATH, fields),
            TITLE,
            underlying=underlying,
            first=first,
            last=last,
        )

    def _listed(self, access: Access, status: str, *, paced: bool = True) -> Any:
        """Return the account's orders, the youngest first."""
        fields = {"status": status, "limit": MOST_ORDERS}
        return self._call(access, "get", "/orders", fields, paced=paced)

    def _closed(self, access: Access, ids: frozenset[str]) -> list[dict[str, Any]]:
        """Return those of some orders that have ended."""
        rows = self._listed(access, "closed", paced=False)
        with outcomes(TITLE):
            return [row for row in rows if row["id"] in ids]

    def _executions(self, access: Access, row: dict[str, Any]) -> tuple[Execution, ...]:
        """Return the fills of an order, from the account's since it was placed, page by page."""
        fields = {"after": row["created_at"], "direction": "asc", "page_size": PAGE}
        found: dict[str, Execution] = {}
        for _ in range(MOST_PAGES):
            told = self._call(access, "get", "/account/activities/FILL", fields)
            with outcomes(TITLE):
                for fill in told:
                    if fill["order_id"] == row["id"]:
                        found[fill["id"]] = _execution(fill, row)
                filled = sum(execution.quantity for execution in found.values())
                if filled >= Decimal(row["filled_qty"]) or len(told) < PAGE:
                    break
                fields = fields | {"page_token": told[-1]["id"]}
        return tuple(found.values())

    def _call(
        self,
        access: Access,
        method: str,
        path: str,
        fields: dict[str, Any] | None = None,
        *,
        paced: bool = True,
    ) -> Any:
        if paced:
            self._pace.wait(access.account_id)
        client = TradingClient(
            access.credentials["key_id"],
            access.credentials["secret"],
            paper=not access.live,
            raw_data=True,
            url_override=settings.BROKER_URLS.get("alpaca", "") or None,
        )
        session = BrokerSession()
        client._retry = 0  # noqa: SLF001 - its constructor takes no 0
        client._session = session  # noqa: SLF001 - it has no other place for a time limit
        try:
            with session, outcomes(TITLE):
                return getattr(client, method)(path, fields)
        except APIError as error:
            raise _failure(session.status, error) from error


def _single(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Return orders of one symbol each: of an order of several legs, its legs."""
    single = {}
    for row in rows:
        for order in (row, *(row.get("legs") or ())):
            if order["symbol"]:
                single[order["id"]] = order
    return single.values()


def _held(row: dict[str, Any]) -> str:
    """Return our symbol of a position: coins have no slash there, while their orders have one."""
    symbol = str(row["symbol"])
    if row["asset_class"] == "crypto" and "/" not in symbol:
        for quote in QUOTES:
            if symbol.endswith(quote):
                return f"{symbol.removesuffix(quote)}/{quote}"
    return symbol


def _of(fields: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return an answer about an order, if it is the one that was asked about by our id."""
    with outcomes(TITLE):
        told = row["client_order_id"]
    if told != fields.get("client_order_id", told):
        raise OutcomeUnknown(f"{TITLE} has answered about another order.")
    return row


def order_told(row: dict[str, Any], executions: tuple[Execution, ...] = ()) -> VenueOrder:
    """Return an order as Alpaca shows it."""
    with outcomes(TITLE):
        status = STATUSES.get(row["status"], OrderStatus.ACCEPTED)
        quantity = row["qty"]
        if quantity is None:  # it is for an amount of money: how many that are shows at its end
            quantity = row["filled_qty"] if status in FINAL_STATUSES else 0
        return VenueOrder(
            broker_order_id=row["id"],
            status=status,
            executions=executions,
            client_order_id=row["client_order_id"],
            symbol=row["symbol"],
            side=side_told(row),
            order_type=TYPES.get(row["type"], OrderType.MARKET),
            quantity=Decimal(quantity),
            notional=Decimal(row["notional"]) if row["qty"] is None else None,
        )


def _failure(status: int | None, error: APIError) -> Refused | OutcomeUnknown:
    try:
        said = dict(json.loads(str(error)))
    except (TypeError, ValueError):
        said = {}
    message = str(said.get("message", ""))
    if NOT_UNIQUE in message:
        return OutcomeUnknown(f"{TITLE} has an order of this id already.")
    name = "not_found" if status == 404 else ""
    if said.get("code") == NOT_ALLOWED:
        name = "not_allowed"
    return failure(TITLE, status, name, message)


def _execution(fill: dict[str, Any], row: dict[str, Any]) -> Execution:
    """Return a fill of an order; what is taken of a coin is reckoned by the highest commission."""
    quantity, price = abs(Decimal(fill["qty"])), Decimal(fill["price"])
    coin = row["asset_class"] == "crypto"
    commission = quantity * price * COIN_COMMISSION if coin else Decimal(0)
    taken = quantity * COIN_COMMISSION if coin and row["side"] == "buy" else Decimal(0)
    return Execution(
        execution_id=fill["id"],
        quantity=quantity,
        price=price,
        commission=commission.quantize(STEP),
        executed_at=datetime.fromisoformat(fill["transaction_time"]),
        taken=taken.quantize(STEP, ROUND_UP),
        charged_in=row["symbol"].partition("/")[0] if taken else "",
    )


def _id(client_order_id: str) -> str:
    return venue_id(client_order_id, longest=48, allowed=r"[A-Za-z0-9._:-]")


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
