"""What a broker is to us. Nothing above an adapter knows a venue."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Literal, Protocol, runtime_checkable
from uuid import UUID

from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce


class Replacing(StrEnum):
    """What becomes of an order that is changed at the venue."""

    NONE = "none"  # it cannot be changed: cancel it and place another
    IN_PLACE = "in_place"  # it stays the same order
    NEW_ORDER = "new_order"  # another order takes its place, with an id of its own


@dataclass(frozen=True, slots=True)
class Offer:
    """What orders there are of one kind of asset.

    Attributes
    ----------
    fractions : Offer or None
        What there is for quantities that are not whole, where that is less.
    lots : bool
        Whether quantities are multiples of the instrument's lot though they need not be whole.
    queues : bool
        Whether orders are taken while the market is closed, and wait for it to open.
    tick : callable or None
        Returns the step of a symbol's prices, where the venue has one of its own.
    """

    order_types: frozenset[OrderType]
    times_in_force: frozenset[TimeInForce]
    fractional: bool = False
    short: bool = True
    fractions: Offer | None = None
    lots: bool = False
    queues: bool = True
    tick: Callable[[str], Decimal] | None = None

    def tick_of(self, symbol: str, least: Decimal) -> Decimal:
        """Return the step of prices: the instrument's, or the venue's where that is coarser."""
        return least if self.tick is None else max(least, self.tick(symbol))


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do; an order beyond it is refused before it is sent.

    Attributes
    ----------
    usual : Offer
        What orders there are.
    offers : mapping
        What there are of a kind of asset, where that is something else.
    quotes : frozenset of str or None
        The money in which pairs are traded; None: any.
    alike : callable or None
        Returns for a symbol what is the same for all symbols of one thing, where positions are
        told of the thing: of a coin, or of a share that is listed twice.
    client_ids : bool
        Whether the venue finds an order by our id at once; otherwise its order book is searched.
    streaming : bool
        Whether fills are pushed; otherwise they are asked for.
    practice : bool
        Whether the broker has an environment without real money; without one, an account must be
        switched to live before it may send anything.
    wallet : bool
        Whether positions are balances of coins: commissions are taken out of them, and coins that
        were never traded lie beside them.
    coin_wallet : bool
        Whether those positions are that are in coins, at a broker that has others as well.
    remote : bool
        Whether asking it costs a call over the network, which may take long or fail.
    """

    asset_types: frozenset[AssetType]
    usual: Offer
    offers: Mapping[AssetType, Offer] = field(default_factory=dict)
    quotes: frozenset[str] | None = None
    alike: Callable[[str], str] | None = None
    replacing: Replacing = Replacing.NONE
    client_ids: bool = True
    streaming: bool = False
    practice: bool = True
    wallet: bool = False
    coin_wallet: bool = False
    remote: bool = True

    def in_wallet(self, symbol: str) -> bool:
        """Tell whether what is held of a symbol is the balance of a coin."""
        return self.wallet or (self.coin_wallet and "/" in symbol)

    def of(self, asset_type: AssetType, quantity: Decimal | None = None) -> Offer:
        """Return what orders there are of what is traded, or of so much of it."""
        offer = self.offers.get(asset_type, self.usual)
        if quantity is not None and quantity % 1 and offer.fractions is not None:
            return offer.fractions
        return offer


@dataclass(frozen=True, slots=True)
class Access:
    """Whose account an adapter acts on, and what opens it."""

    account_id: UUID
    live: bool = False
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as it goes to a venue.

    Attributes
    ----------
    multiplier : Decimal or None
        What we take one unit's price times to get money; None where nobody said it. An option of
        which the venue says otherwise is refused.
    """

    client_order_id: str
    symbol: str
    asset_type: AssetType
    side: Side
    order_type: OrderType
    quantity: Decimal
    time_in_force: TimeInForce = TimeInForce.DAY
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_fraction: Decimal | None = None
    multiplier: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderRef:
    """What an order is found by: our id always, the venue's where it has told one."""

    client_order_id: str
    symbol: str
    asset_type: AssetType = AssetType.STOCK
    broker_order_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What an order shall be instead; None stays as it is."""

    client_order_id: str
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill as a venue tells it; `execution_id` is unique in the account.

    Attributes
    ----------
    commission : Decimal or None
        In the money that the price is in: of one that was charged in a coin, what that was worth.
        None where the broker has not told it yet, or nobody says what it was worth.
    taken : Decimal
        Units of a purchase that were kept as its commission: so many fewer are held.
    charged_in : str
        The coin, or other money, in which the commission was charged.
    """

    execution_id: str
    quantity: Decimal
    price: Decimal
    commission: Decimal | None
    executed_at: datetime
    taken: Decimal = Decimal(0)
    charged_in: str = ""


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as a venue knows it, with what it needs to be recognised by who did not send it.

    Attributes
    ----------
    quantity : Decimal
        Of the whole order; zero where the answer does not tell it.
    notional : Decimal or None
        The money that it is for, of an order whose quantity shows when it is filled.
    """

    broker_order_id: str
    status: OrderStatus
    executions: tuple[Execution, ...] = ()
    client_order_id: str = ""
    symbol: str = ""
    side: Side | None = None
    order_type: OrderType = OrderType.MARKET
    quantity: Decimal = Decimal(0)
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    reason: str = ""
    notional: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """What a venue says the account holds; below zero is short."""

    symbol: str
    quantity: Decimal
    average_price: Decimal


@dataclass(frozen=True, slots=True)
class ListedContract:
    """An option that can be traded at a venue.

    Attributes
    ----------
    symbol : str
        Ours, by the Options Symbology Initiative without padding: `AAPL240119P00150000`.
    right : "C" or "P"
    expiry : date
        The last day on which it can be traded.
    multiplier : Decimal
        Shares of one contract: what its price is multiplied by to get money.
    """

    symbol: str
    strike: Decimal
    right: Literal["C", "P"]
    expiry: date
    multiplier: Decimal = Decimal(100)


@dataclass(frozen=True, slots=True)
class Balance:
    """Money of the account as the venue tells it."""

    currency: str
    equity: Decimal
    cash: Decimal
    buying_power: Decimal


@dataclass(frozen=True, slots=True)
class CanceledAll:
    """What came of canceling all open orders of an account.

    Attributes
    ----------
    taken : frozenset of str
        The broker's ids of the orders whose cancel it took; how most of them ended is told later.
    ended : tuple of VenueOrder
        Those of them that have ended without a fill, of which nothing is left to be asked.
    filled : frozenset of str
        Those that have ended with fills, which have to be asked for.
    """

    taken: frozenset[str] = frozenset()
    ended: tuple[VenueOrder, ...] = ()
    filled: frozenset[str] = frozenset()


class Refused(Exception):
    """The venue has proven that it did not do it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknown(Exception):
    """The venue may or may not have done it: never send it again, ask."""


class Adapter(Protocol):
    """One broker.

    Every method raises `OutcomeUnknown` where the venue gives no answer that proves anything: a
    time-out, a fault of its own, a broken connection, an unreadable reply. `Refused` means that it
    has proven that nothing was done. Calls are made once; none is repeated by an adapter.
    """

    title: ClassVar[str]
    credential_fields: ClassVar[tuple[str, ...]]
    capabilities: ClassVar[Capabilities]

    def submit(self, access: Access, request: OrderRequest) -> VenueOrder:
        """Send an order, once."""
        ...

    def cancel(self, access: Access, ref: OrderRef) -> None:
        """Ask for an order to be canceled; that it was is told by `find`."""
        ...

    def replace(self, access: Access, ref: OrderRef, change: Change) -> VenueOrder:
        """Change an order; return what stands there then."""
        ...

    def find(self, access: Access, ref: OrderRef) -> VenueOrder | None:
        """Return the order with its executions, None where the venue has none under our id."""
        ...

    def open_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return the orders that wait at the venue, ours and others'."""
        ...

    def positions(self, access: Access) -> Sequence[VenuePosition]:
        """Return what the account holds."""
        ...

    def balance(self, access: Access) -> Balance:
        """Return the account's money; also the test of a connection."""
        ...


@runtime_checkable
class LocalAdapter(Protocol):
    """A venue in our own database: what is asked of it for many orders is one transaction."""

    def submit_all(
        self, requests: Sequence[tuple[Access, OrderRequest]]
    ) -> list[VenueOrder | Refused]:
        """Send orders; return what became of each, refusals among them."""
        ...

    def find_all(self, refs: Sequence[tuple[Access, OrderRef]]) -> list[VenueOrder | None]:
        """Return orders as `Adapter.find` does."""
        ...


@runtime_checkable
class OptionVenue(Protocol):
    """A broker with options.

    Orders, positions and executions of options have our symbols, whole contracts as quantities, and
    prices for one share.
    """

    def contracts(
        self, access: Access, *, underlying: str, first: date, last: date
    ) -> Sequence[ListedContract]:
        """Return what can be traded on `underlying` and expires from `first` to `last`, inclusive.

        Ordered by expiry, strike and right. Empty where the venue said that there is none; raises
        `OutcomeUnknown` and `Refused` as an `Adapter` does.
        """
        ...


@runtime_checkable
class CancelsAll(Adapter, Protocol):
    """A broker that cancels all open orders of an account with one call."""

    def cancel_all(self, access: Access, refs: Sequence[OrderRef]) -> CanceledAll | None:
        """Cancel all open orders if all of them are among `refs`.

        None where they are not, or nobody knows, and nothing was done.
        """
        ...


@runtime_checkable
class TellsEnded(Adapter, Protocol):
    """A broker that lists orders which have ended, whoever sent them."""

    def ended_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return orders that wait no more, those of today at least; executions need not be told."""
        ...


def venue_id(client_order_id: str, *, longest: int, allowed: str = r"[A-Za-z0-9]") -> str:
    """Return our id as a venue takes it: as it is where it fits, else a hash of it.

    The hash is the same whenever it is asked for, so an order can be found by it; 16 characters
    of base 32 are 80 bits, and two ids of one account do not meet.
    """
    if len(client_order_id) <= longest and re.fullmatch(f"{allowed}+", client_order_id):
        return client_order_id
    digest = hashlib.sha256(client_order_id.encode()).digest()
    return base64.b32encode(digest).decode()[: min(longest, 20)]
