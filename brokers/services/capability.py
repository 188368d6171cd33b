"""Refusing before sending what a broker cannot do, or what the instrument's steps forbid."""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone

from brokers.adapters.base import Capabilities, Offer, OrderRequest
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import OPENING_SIDES, AssetType, OrderType, Side, TimeInForce
from brokers.models import BrokerAccount
from brokers.paper.terms import terms_of
from core.errors import Conflict, Detail, InvalidInput
from market.calendars import is_open, opens_at
from market.contracts import HOW_NAMED, contract_terms
from market.models import Instrument
from market.pairs import HOW_NAMED as PAIR_NAMED
from market.pairs import pair_of

# What an instrument of a class may be called in an order.
TRADED_AS = {
    "equity": frozenset({AssetType.STOCK}),
    "crypto": frozenset({AssetType.CRYPTO}),
    "forex": frozenset({AssetType.FOREX}),
    "option": frozenset({AssetType.OPTION}),
}
CALLED = {
    AssetType.STOCK: "shares",
    AssetType.CRYPTO: "coins",
    AssetType.FOREX: "currencies",
    AssetType.OPTION: "options",
}
# The prices that an order of a type has; all others it has not.
PRICES = {
    OrderType.MARKET: frozenset[str](),
    OrderType.LIMIT: frozenset({"limit_price"}),
    OrderType.STOP: frozenset({"stop_price"}),
    OrderType.STOP_LIMIT: frozenset({"limit_price", "stop_price"}),
    OrderType.TRAILING_STOP: frozenset({"trail_amount", "trail_fraction"}),
}


def asset_type_of(instrument: Instrument) -> AssetType:
    """Return what an instrument is called in an order."""
    return min(TRADED_AS.get(instrument.asset_class, {AssetType.STOCK}))


def usual_time(kind: str, asset_type: AssetType = AssetType.STOCK) -> TimeInForce:
    """Return how long an order waits that does not say so: a day, where the broker knows days."""
    times = ADAPTERS.get(kind).capabilities.of(asset_type).times_in_force
    return TimeInForce.DAY if TimeInForce.DAY in times else TimeInForce.GTC


def request_check(*, account: BrokerAccount, instrument: Instrument, request: OrderRequest) -> None:
    """Refuse an order that the broker or the instrument does not allow, with all faults at once.

    Raises
    ------
    InvalidInput
        With one detail per fault.
    """
    can = ADAPTERS.get(account.kind).capabilities
    faults = [
        *_contract_faults(account, instrument, request),
        *_pair_faults(account, request),
        *_venue_faults(account.kind, can, instrument, request),
        *_price_faults(request),
        *_step_faults(can, instrument, request),
    ]
    if faults:
        raise InvalidInput(faults[0].message, details=faults)


def session_check(*, account: BrokerAccount, instrument: Instrument, asset_type: AssetType) -> None:
    """Refuse an order that its broker does not take at this hour.

    Raises
    ------
    Conflict
        With when the market opens.
    """
    now = timezone.now()
    if ADAPTERS.get(account.kind).capabilities.of(asset_type).queues or is_open(instrument, now):
        return
    raise Conflict(
        f"{account.kind} takes no orders while the market of {instrument.symbol} is closed: it "
        f"opens at {opens_at(instrument, now):%Y-%m-%d %H:%M} UTC.",
        code="market_closed",
    )


def _contract_faults(
    account: BrokerAccount, instrument: Instrument, request: OrderRequest
) -> list[Detail]:
    """Return what is wrong with an order of options; of another, that it names a contract."""
    terms = contract_terms(request.symbol)
    asked = request.asset_type == AssetType.OPTION
    if terms is None or not asked:
        return [] if terms is None and not asked else [_naming_fault(request, contract=asked)]
    faults = []
    # Where history is replayed the venue's own bars say when it is.
    replayed = terms_of(account.paper_terms).replays
    if not replayed and terms.ends_at(instrument) <= timezone.now():
        message = f"{terms.symbol} expired on {terms.expiry}: choose a later expiry."
        faults.append(Detail("symbol", "expired", message, received=request.symbol))
    if request.quantity % 1:
        message = f"Contracts are traded whole, not {request.quantity.normalize():f}."
        faults.append(Detail("quantity", "fractional", message))
    return faults


def _naming_fault(request: OrderRequest, *, contract: bool) -> Detail:
    if contract:
        message = (
            f"{request.symbol} is not a contract: an option is named by {HOW_NAMED}; or leave its "
            "underlying here, and give right, strike and expiry in option."
        )
        return Detail("symbol", "not_a_contract", message, HOW_NAMED, request.symbol)
    message = f"{request.symbol} is a contract: its asset_type is option."
    option = AssetType.OPTION.value
    return Detail("asset_type", "unsupported", message, [option], request.asset_type.value)


def pair_fault(account: BrokerAccount, symbol: str) -> Detail | None:
    """Return why an account cannot open what a symbol of currencies names, None where it can.

    What is paid in other money than the account's cannot be opened: profits, limits and buying
    power of an account are sums in its money.
    """
    pair = pair_of(symbol)
    if pair is None:
        message = f"{symbol} is no pair of currencies: name {PAIR_NAMED}."
        return Detail("symbol", "not_a_pair", message, PAIR_NAMED, symbol)
    if pair.quote == account.currency:
        return None
    message = (
        f"{symbol} is paid in {pair.quote}, and the account is in {account.currency}: trade a pair "
        f"that is quoted in {account.currency}."
    )
    return Detail("symbol", "quote_unsupported", message, account.currency, symbol)


def _pair_faults(account: BrokerAccount, request: OrderRequest) -> list[Detail]:
    """Return what is wrong with an order of currencies; what is held already can be closed."""
    if request.asset_type != AssetType.FOREX:
        return []
    fault = pair_fault(account, request.symbol)
    closes = request.side not in OPENING_SIDES and pair_of(request.symbol) is not None
    return [] if fault is None or closes else [fault]


def _venue_faults(
    kind: str, can: Capabilities, instrument: Instrument, request: OrderRequest
) -> list[Detail]:
    faults = []
    option = request.asset_type == AssetType.OPTION
    asset_types = sorted(can.asset_types & TRADED_AS.get(instrument.asset_class, frozenset()))
    if request.asset_type not in asset_types:
        message = f"This symbol cannot be traded as {request.asset_type.value} at {kind}."
        if option and AssetType.OPTION not in can.asset_types:
            message = f"{kind} has no options: use an account at {_with_options()}."
        faults.append(
            Detail("asset_type", "unsupported", message, asset_types, request.asset_type.value)
        )
    quote = request.symbol.partition("/")[2]
    if can.quotes is not None and quote not in can.quotes:
        quotes = sorted(can.quotes)
        message = f"{kind} trades pairs quoted in {', '.join(quotes)} here, not {request.symbol}."
        faults.append(Detail("symbol", "quote_unsupported", message, quotes, request.symbol))
    offer = can.of(request.asset_type, request.quantity)
    what = _orders_of(can, request, offer)
    if request.order_type not in offer.order_types:
        types = sorted(offer.order_types)
        message = f"{kind} has no {request.order_type.value} {what}: use {', '.join(types)}."
        faults.append(Detail("order_type", "unsupported", message, types, request.order_type.value))
    if request.time_in_force not in offer.times_in_force:
        times = sorted(offer.times_in_force)
        message = f"{kind} has no {request.time_in_force.value} {what}: use {', '.join(times)}."
        faults.append(
            Detail("time_in_force", "unsupported", message, times, request.time_in_force.value)
        )
    if not offer.short and request.side in {Side.SHORT, Side.COVER}:
        of = what.removeprefix("orders")
        faults.append(Detail("trade_type", "unsupported", f"{kind} has no short sales{of}."))
    return faults


def _orders_of(can: Capabilities, request: OrderRequest, offer: Offer) -> str:
    """Return what orders are called of which a broker offers something of its own."""
    if request.quantity % 1 and offer == can.of(request.asset_type).fractions:
        return "orders of fractions"
    option = request.asset_type == AssetType.OPTION
    own = option or request.asset_type in can.offers
    return f"orders of {CALLED[request.asset_type]}" if own else "orders"


def _with_options() -> str:
    can = {name: ADAPTERS.get(name).capabilities for name in ADAPTERS.names()}
    return ", ".join(name for name in can if AssetType.OPTION in can[name].asset_types)


def _price_faults(request: OrderRequest) -> list[Detail]:
    faults = []
    has = PRICES[request.order_type]
    for name in ("limit_price", "stop_price", "trail_amount", "trail_fraction"):
        given: Decimal | None = getattr(request, name)
        if given is not None and name not in has:
            faults.append(
                Detail(name, "not_of_this_type", f"A {request.order_type} order has no {name}.")
            )
        elif given is not None and (given <= 0 or (name == "trail_fraction" and given >= 1)):
            faults.append(Detail(name, "out_of_range", f"{name} is not possible: {given:f}."))
        elif given is None and name in has and request.order_type != OrderType.TRAILING_STOP:
            message = f"A {request.order_type} order needs a {name}."
            faults.append(Detail(name, "required", message))
    if request.order_type == OrderType.TRAILING_STOP and (request.trail_amount is None) == (
        request.trail_fraction is None
    ):
        message = "A trailing stop needs either trail_amount or trail_fraction."
        faults.append(Detail("trail_amount", "required", message))
    return faults


def _step_faults(can: Capabilities, instrument: Instrument, request: OrderRequest) -> list[Detail]:
    """Prices are multiples of the tick, quantities of the lot where the venue trades lots."""
    faults = []
    offer = can.of(request.asset_type)
    parted = not offer.fractional and request.quantity % 1
    # Of an instrument whose lot nobody knows, and that is traded in parts, it is one.
    counted = not offer.fractional or (offer.lots and instrument.lot_size < 1)
    if parted or (counted and request.quantity % instrument.lot_size):
        whole = "" if offer.fractional else "whole "
        message = f"Only {whole}lots of {instrument.lot_size.normalize():f} are traded here."
        faults.append(Detail("quantity", "fractional", message))
    tick = offer.tick_of(request.symbol, instrument.tick_size)
    for name in ("limit_price", "stop_price"):
        price: Decimal | None = getattr(request, name)
        if price is not None and tick > 0 and price % tick:
            message = f"{name} must be a multiple of {tick.normalize():f}."
            faults.append(Detail(name, "tick_size", message))
    return faults
