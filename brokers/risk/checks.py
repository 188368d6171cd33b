"""What an order may not do: pure rules over what is known, the first that fails gives the reason.

A limit that is not set limits nothing. Where a rule needs something that is not known (a price, a
quote's age), the order is denied: a limit that cannot be checked is not one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from brokers.choices import Side

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one scope; None limits nothing."""

    scope: str = "user"
    max_order_value: Decimal | None = None
    max_position_value: Decimal | None = None
    max_gross_exposure: Decimal | None = None
    max_net_exposure: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_drawdown: Decimal | None = None
    price_collar: Decimal | None = None
    max_orders_per_minute: int | None = None
    max_quote_age_s: int | None = None
    allowed_symbols: frozenset[str] = frozenset()
    short_allowed: bool | None = None
    in_session_only: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when an order is judged, in the scope of one set of limits.

    Attributes
    ----------
    units : Decimal
        Of the order, without a sign.
    multiplier : Decimal
        Units x price x multiplier is money; above 1 for contracts.
    underlying : str
        Of a contract: where that is allowed, its contracts are.
    order_price : Decimal or None
        Its limit, else its stop; None where the market decides.
    trigger : Decimal or None
        Its stop: before the market is there it does not trade.
    quote, quote_age_s
        Last price of the symbol, and how many seconds ago its bar ended.
    held : Decimal
        Units of the symbol, signed, with what open orders would add in the order's direction.
    gross : Decimal
        Value of all positions without their signs, and of all open orders that add to them.
    net : Decimal
        Value of all positions with their signs, and of the open orders in the order's direction:
        those against it may never fill.
    unpriced : str
        What is held or ordered and has no price, so that gross and net are not known.
    currencies : str
        Those of the accounts in the scope where they are several: what is in them has no sum.
    day_profit : Decimal or None
        Since the day began (UTC).
    drawdown : Decimal or None
        Fraction of the highest equity that is lost, >= 0.
    equity : Decimal or None
        Where the drawdown was asked for.
    """

    symbol: str
    side: Side
    units: Decimal
    order_price: Decimal | None
    quote: Decimal | None
    quote_age_s: float | None
    held: Decimal = ZERO
    gross: Decimal = ZERO
    net: Decimal = ZERO
    day_profit: Decimal | None = None
    drawdown: Decimal | None = None
    equity: Decimal | None = None
    orders_last_minute: int = 0
    unpriced: str = ""
    currencies: str = ""
    trigger: Decimal | None = None
    multiplier: Decimal = ONE
    underlying: str = ""
    in_session: bool | None = None
    buying_power: Decimal | None = None

    @property
    def sign(self) -> int:
        """1 buys, -1 sells."""
        return 1 if self.side in {Side.BUY, Side.COVER} else -1

    @property
    def price(self) -> Decimal | None:
        """The dearer of the order's own price and the last quote; None where there is none."""
        known = [price for price in (self.order_price, self.quote) if price is not None]
        return max(known) if known else None

    @property
    def opening(self) -> bool:
        """Whether it makes a position larger."""
        return self.side in {Side.BUY, Side.SHORT}


@dataclass(frozen=True, slots=True)
class Denial:
    """Why an order was denied."""

    code: str
    reason: str


Check = Callable[[Limits, Facts], Denial | None]


def judge(limits: Limits, facts: Facts) -> Denial | None:
    """Return why these limits deny an order, None where they admit it.

    An order that reduces is denied by no limit: it must stay possible to get out.
    """
    for check in CHECKS if facts.opening else ():
        denial = check(limits, facts)
        if denial is not None:
            return denial
    return None


def _deny(code: str, limits: Limits, text: str) -> Denial:
    return Denial(code, f"{text} (limit of the {limits.scope}).")


def _symbol(limits: Limits, facts: Facts) -> Denial | None:
    if not limits.allowed_symbols or {facts.symbol, facts.underlying} & limits.allowed_symbols:
        return None
    return _deny("symbol_not_allowed", limits, f"{facts.symbol} is not among the allowed symbols")


def _rate(limits: Limits, facts: Facts) -> Denial | None:
    most = limits.max_orders_per_minute
    if most is None or facts.orders_last_minute < most:
        return None
    return _deny("order_rate", limits, f"{facts.orders_last_minute} orders in the last minute")


def _session(limits: Limits, facts: Facts) -> Denial | None:
    if not limits.in_session_only or facts.in_session:
        return None
    return _deny("outside_session", limits, f"The market of {facts.symbol} is closed")


def _stale(limits: Limits, facts: Facts) -> Denial | None:
    most = limits.max_quote_age_s
    if most is None:
        return None
    if facts.quote_age_s is None:
        return _deny("stale_data", limits, f"There is no price of {facts.symbol}")
    if facts.quote_age_s <= most:
        return None
    return _deny("stale_data", limits, f"The last price is {facts.quote_age_s:.0f} s old")


def _collar(limits: Limits, facts: Facts) -> Denial | None:
    """Deny a price that trades far beyond the market; one that waits for it does no harm.

    Of an order with a stop the market is where that is, once it trades.
    """
    if limits.price_collar is None or facts.order_price is None:
        return None
    if facts.quote is None or facts.quote <= 0:
        return _deny("price_collar", limits, f"There is no price of {facts.symbol} to compare with")
    market = facts.quote
    if facts.trigger is not None:
        market = max(market, facts.trigger) if facts.sign > 0 else min(market, facts.trigger)
    away = facts.sign * (facts.order_price - market) / market
    if away <= limits.price_collar:
        return None
    return _deny("price_collar", limits, f"Its price is {away:.2%} away from {market:f}")


def _short(limits: Limits, facts: Facts) -> Denial | None:
    if limits.short_allowed is not False or facts.side != Side.SHORT:
        return None
    return _deny("short_not_allowed", limits, "Selling short is not allowed")


def _at_most(
    code: str,
    name: str,
    value: Callable[[Facts, Decimal], Decimal],
    limit: Callable[[Limits], Decimal | None],
    *,
    of_all: bool = False,
) -> Check:
    """Return a check that the value an order leads to is at most a limit.

    Parameters
    ----------
    of_all : bool
        Whether it needs the value of all that is held, and not only of the order's symbol.
    """

    def check(limits: Limits, facts: Facts) -> Denial | None:
        most = limit(limits)
        if most is None:
            return None
        price = facts.price
        if price is None:
            return _deny(code, limits, f"There is no price of {facts.symbol} to value it with")
        if of_all and facts.currencies:
            return _mixed(code, limits, facts)
        if of_all and facts.unpriced:
            return _deny(code, limits, f"There is no price of {facts.unpriced} to value it with")
        found = value(facts, price * facts.multiplier)
        if found <= most:
            return None
        return _deny(code, limits, f"{name} would be {found:.2f}, above {most:.2f}")

    return check


def _mixed(code: str, limits: Limits, facts: Facts) -> Denial:
    text = f"Accounts in {facts.currencies} cannot be summed up: set it for each account"
    return _deny(code, limits, text)


def _loss(limits: Limits, facts: Facts) -> Denial | None:
    most = limits.max_daily_loss
    if most is None:
        return None
    if facts.currencies:
        return _mixed("daily_loss", limits, facts)
    if facts.day_profit is None:
        return _deny("daily_loss", limits, "The profit of the day is not known")
    if facts.day_profit > -most:
        return None
    return _deny("daily_loss", limits, f"{-facts.day_profit:.2f} were lost today")


def _drawdown(limits: Limits, facts: Facts) -> Denial | None:
    most = limits.max_drawdown
    if most is None:
        return None
    if facts.currencies:
        return _mixed("drawdown", limits, facts)
    if facts.drawdown is None:
        return _deny("drawdown", limits, "The drawdown is not known")
    if facts.drawdown < most:
        return None
    return _deny("drawdown", limits, f"Equity is {facts.drawdown:.2%} below its highest")


def _buying_power(limits: Limits, facts: Facts) -> Denial | None:
    if facts.buying_power is None or facts.price is None:
        return None
    cost = facts.units * facts.price * facts.multiplier
    if cost <= facts.buying_power:
        return None
    return _deny(
        "buying_power", limits, f"It costs {cost:.2f}, and there are {facts.buying_power:.2f}"
    )


CHECKS: Final[tuple[Check, ...]] = (
    _symbol,
    _rate,
    _session,
    _stale,
    _collar,
    _at_most(
        "order_value", "Its value", lambda f, price: f.units * price, lambda li: li.max_order_value
    ),
    _short,
    _at_most(
        "position_value",
        "The position",
        lambda f, price: (f.sign * f.held + f.units) * price,
        lambda li: li.max_position_value,
    ),
    _at_most(
        "gross_exposure",
        "Gross exposure",
        lambda f, price: f.gross + f.units * price,
        lambda li: li.max_gross_exposure,
        of_all=True,
    ),
    _at_most(
        "net_exposure",
        "Net exposure",
        lambda f, price: f.sign * f.net + f.units * price,
        lambda li: li.max_net_exposure,
        of_all=True,
    ),
    _loss,
    _drawdown,
    _buying_power,
)
