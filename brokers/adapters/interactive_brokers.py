"""Interactive Brokers through its library ib_async and a TWS or gateway that its user runs.

Each call is a connection of its own, one at a time for each gateway and client id, on an event loop
of its own: workers and web threads have none. Order ids begin anew when a gateway restarts, so an
order is known by `orderRef`, which is our id, and by `permId`, which is the broker's. Executions
are asked for again with every question: those of a broken connection are not told twice.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeVar

from ib_async import IB, Order
from ib_async.objects import Fill
from ib_async.order import Trade
from ib_async.util import UNSET_DOUBLE

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
)
from brokers.adapters.charges import Uncharged
from brokers.adapters.interactive_brokers_contracts import (
    AT_ONCE,
    TITLE,
    TOO_MANY,
    ContractLists,
    average_price,
    contract_of,
    contracts_list,
    expiries_list,
    pair_tick,
    symbol_told,
)
from brokers.adapters.interactive_brokers_executions import (
    LOOK_S,
    amount,
    commissions_of,
    executions_of,
    fills_told,
)
from brokers.adapters.interactive_brokers_gateway import KIND, Line, NotConnected, connected
from brokers.adapters.options import listed
from brokers.adapters.pace import pace_of
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from market.pairs import pair_alike

TYPES: Final = MappingProxyType(
    {
        OrderType.MARKET: "MKT",
        OrderType.LIMIT: "LMT",
        OrderType.STOP: "STP",
        OrderType.STOP_LIMIT: "STP LMT",
        OrderType.TRAILING_STOP: "TRAIL",
    }
)
OUR_TYPES: Final = MappingProxyType({name: kind for kind, name in TYPES.items()})
STATUSES: Final = MappingProxyType(
    {
        "Filled": OrderStatus.FILLED,
        "Cancelled": OrderStatus.CANCELED,
        "ApiCancelled": OrderStatus.CANCELED,
        "Inactive": OrderStatus.REJECTED,
    }
)
PAIRS: Final = Offer(frozenset(TYPES), frozenset(TimeInForce) - {TimeInForce.FOK}, tick=pair_tick)
ON_ITS_WAY: Final = frozenset({"", "PendingSubmit", "ApiPending"})
CANCELED: Final = 202
# What is told under an order's number and refuses nothing.
REMARKS: Final = frozenset({CANCELED, 399, 404, *range(2100, 2200), 10349})
Result = TypeVar("Result")


class InteractiveBrokers:
    """Orders at Interactive Brokers: shares of the United States, options on them, currencies."""

    title: ClassVar[str] = TITLE
    credential_fields: ClassVar[tuple[str, ...]] = ("gateway", "client_id", "account")
    capabilities: ClassVar[Capabilities] = Capabilities(
        asset_types=frozenset({AssetType.STOCK, AssetType.OPTION, AssetType.FOREX}),
        usual=Offer(frozenset(TYPES), frozenset(TimeInForce)),
        offers={AssetType.FOREX: PAIRS},
        alike=pair_alike,
        replacing=Replacing.IN_PLACE,
        client_ids=False,
    )

    def __init__(self) -> None:
        self._pace = pace_of(KIND)
        self._lock = threading.Lock()
        self._gateways: dict[tuple[str, str], threading.Lock] = {}
        self._lists = ContractLists()

    def submit(self, access: Access, request: OrderRequest) -> VenueOrder:
        """Send an order, once."""
        contract = contract_of(request)
        order = Order(
            action="BUY" if request.side in {Side.BUY, Side.COVER} else "SELL",
            totalQuantity=float(request.quantity),
            orderType=TYPES[request.order_type],
            tif=request.time_in_force.value.upper(),
            orderRef=request.client_order_id,
            account=access.credentials["account"],
        )
        _prices_set(order, request.limit_price, request.stop_price or request.trail_amount)
        if request.trail_fraction is not None:
            order.trailingPercent = float(request.trail_fraction * 100)

        async def work(ib: IB) -> VenueOrder:
            trade = ib.placeOrder(contract, order)
            await _answered(ib, trade, lambda: trade.orderStatus.status not in ON_ITS_WAY)
            return _order(trade)

        try:
            return self._call(access, work)
        except NotConnected as error:
            raise Refused("not_connected", f"{error} Nothing was sent.") from error

    def cancel(self, access: Access, ref: OrderRef) -> None:
        """Ask for an order to be canceled."""

        async def work(ib: IB) -> None:
            trade = await _waiting(ib, access, ref)
            ib.cancelOrder(trade.order)
            await _answered(ib, trade, trade.isDone)

        self._call(access, work)

    def replace(self, access: Access, ref: OrderRef, change: Change) -> VenueOrder:
        """Change an order in place."""

        async def work(ib: IB) -> VenueOrder:
            trade = await _waiting(ib, access, ref)
            order = trade.order
            told: list[Trade] = []

            def changed() -> bool:
                # Others' orders are told as well, and ours perhaps as it was before.
                return any(one is trade for one in told) and all(
                    wanted is None or float(found or 0) == float(wanted)
                    for found, wanted in (
                        (order.totalQuantity, change.quantity),
                        (order.lmtPrice, change.limit_price),
                        (order.auxPrice, change.stop_price),
                    )
                )

            order.totalQuantity = float(change.quantity)
            _prices_set(order, change.limit_price, change.stop_price)
            ib.openOrderEvent += told.append
            ib.placeOrder(trade.contract, order)
            await _answered(ib, trade, changed)
            return _order(trade)

        return self._call(access, work)

    def find(self, access: Access, ref: OrderRef) -> VenueOrder | None:
        """Return the order under our id, from open and completed orders and executions."""

        async def work(ib: Line) -> VenueOrder | None:
            trades = [
                *await _open(ib, access),
                *_of(access, await ib.reqCompletedOrdersAsync(apiOnly=False)),
            ]
            fills = await fills_told(
                ib,
                access.credentials["account"],
                lambda one: _is(ref, one.orderRef, one.permId),
            )
            executions = executions_of(ib, fills)
            found = [
                trade for trade in trades if _is(ref, trade.order.orderRef, trade.order.permId)
            ]
            if found:
                return _order(found[-1], executions)
            return _of_fills(ref, fills[0], executions) if fills else None

        return self._call(access, work)

    def commissions(self, access: Access, orders: Sequence[Uncharged]) -> Mapping[str, Decimal]:  # noqa: ARG002 - it is asked for all
        """Return the commissions of all executions that the gateway still tells of."""

        async def work(ib: Line) -> Mapping[str, Decimal]:
            fills = await fills_told(ib, access.credentials["account"], lambda _: True)
            return commissions_of(executions_of(ib, fills))

        return self._call(access, work)

    def open_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return what waits, whoever sent it."""

        async def work(ib: IB) -> list[VenueOrder]:
            return [_order(trade) for trade in await _open(ib, access)]

        return self._call(access, work)

    def ended_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return the orders of today that wait no more."""

        async def work(ib: IB) -> list[VenueOrder]:
            trades = _of(access, await ib.reqCompletedOrdersAsync(apiOnly=False))
            return [_order(trade) for trade in trades]

        return self._call(access, work)

    def positions(self, access: Access) -> Sequence[VenuePosition]:
        """Return what the account holds."""

        async def work(ib: IB) -> list[VenuePosition]:
            return [
                VenuePosition(symbol_told(row.contract), amount(row.position), average_price(row))
                for row in await ib.reqPositionsAsync()
                if row.account == access.credentials["account"] and row.position
            ]

        return self._call(access, work)

    def balance(self, access: Access) -> Balance:
        """Return the account's money."""

        async def work(ib: IB) -> Balance:
            rows = await ib.accountSummaryAsync(access.credentials["account"])
            values = {row.tag: row for row in rows}
            return Balance(
                currency=values["NetLiquidation"].currency,
                equity=Decimal(values["NetLiquidation"].value),
                cash=Decimal(values["TotalCashValue"].value),
                buying_power=Decimal(values["BuyingPower"].value),
            )

        return self._call(access, work)

    def contracts(
        self, access: Access, *, underlying: str, first: date, last: date
    ) -> Sequence[ListedContract]:
        """Return the options that can be traded."""
        days = self._call(
            access, partial(expiries_list, underlying=underlying, first=first, last=last)
        )
        while missing := [day for day in days if self._lists.of(underlying, day) is None]:
            some = missing[:AT_ONCE]
            told = self._call(access, partial(contracts_list, underlying=underlying, days=some))
            for day, contracts in zip(some, told, strict=True):
                self._lists.keep(underlying, day, contracts)
        found = (self._lists.of(underlying, day) or [] for day in days)
        return listed(chain(*found), underlying=underlying, first=first, last=last)

    def _call(self, access: Access, work: Callable[[Line], Awaitable[Result]]) -> Result:
        self._pace.wait(access.account_id)
        gateway, client_id = access.credentials["gateway"], access.credentials["client_id"]
        with self._lock:
            lock = self._gateways.setdefault((gateway, client_id), threading.Lock())
        with lock:
            try:
                return asyncio.run(connected(access, work))
            except (TimeoutError, OSError) as error:
                raise OutcomeUnknown(f"{TITLE} did not answer.") from error
            except (LookupError, TypeError, ValueError, ArithmeticError) as error:
                raise OutcomeUnknown(f"The reply of {TITLE} cannot be read.") from error


async def _answered(ib: IB, trade: Trade, ready: Callable[[], bool]) -> None:
    """Wait until an order was answered; an error under its number is a proven refusal."""
    errors: list[tuple[int, str]] = []

    def told(number: int, code: int, text: str, _: Any) -> None:
        if number == trade.order.orderId and code not in REMARKS:
            errors.append((code, text))

    ib.errorEvent += told
    while True:
        if errors:
            code, text = errors[0]
            name = "rate_limited" if code == TOO_MANY else str(code)
            raise Refused(name, f"{TITLE}: {text}")
        if ready():
            return
        if not ib.isConnected():
            raise OutcomeUnknown(f"The connection to {TITLE} broke.")
        await asyncio.sleep(LOOK_S)


def _of(access: Access, trades: Sequence[Trade]) -> list[Trade]:
    """Return those of some orders that are the account's: a gateway may serve several."""
    return [trade for trade in trades if trade.order.account == access.credentials["account"]]


async def _open(ib: IB, access: Access) -> list[Trade]:
    return _of(access, await ib.reqAllOpenOrdersAsync())


async def _waiting(ib: IB, access: Access, ref: OrderRef) -> Trade:
    """Return an order that waits; one that does not cannot be changed."""
    for trade in await _open(ib, access):
        if _is(ref, trade.order.orderRef, trade.order.permId) and not trade.isDone():
            return trade
    raise Refused("too_late", "The order does not wait any more.")


def _is(ref: OrderRef, order_ref: str, perm_id: int) -> bool:
    return order_ref == ref.client_order_id or str(perm_id) == ref.broker_order_id


def _prices_set(order: Order, limit: Decimal | None, other: Decimal | None) -> None:
    if limit is not None:
        order.lmtPrice = float(limit)
    if other is not None:
        order.auxPrice = float(other)


def _price(value: float | Decimal | None) -> Decimal | None:
    return amount(value) if value and value != UNSET_DOUBLE else None


def _order(trade: Trade, executions: tuple[Execution, ...] = ()) -> VenueOrder:
    order = trade.order
    return VenueOrder(
        broker_order_id=str(order.permId or trade.orderStatus.permId or ""),
        status=STATUSES.get(trade.orderStatus.status, OrderStatus.ACCEPTED),
        executions=executions,
        client_order_id=order.orderRef,
        symbol=symbol_told(trade.contract),
        side=Side.BUY if order.action == "BUY" else Side.SELL,
        order_type=OUR_TYPES.get(order.orderType, OrderType.MARKET),
        quantity=amount(order.totalQuantity),
        limit_price=_price(order.lmtPrice),
        stop_price=_price(order.auxPrice),
    )


def _of_fills(ref: OrderRef, first: Fill, executions: tuple[Execution, ...]) -> VenueOrder:
    """Return an order that only its executions tell of."""
    return VenueOrder(
        broker_order_id=str(first.execution.permId),
        status=OrderStatus.ACCEPTED,
        executions=executions,
        client_order_id=ref.client_order_id,
        symbol=symbol_told(first.contract),
        side=Side.BUY if first.execution.side == "BOT" else Side.SELL,
    )
