"""Gathering what the risk rules ask about an order: quotes, positions, profit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from brokers.choices import SIGN, Side
from brokers.models import BrokerAccount, Order, RiskLimit
from brokers.risk.checks import Facts
from brokers.risk.ledger import ZERO, Ledger
from brokers.risk.losses import losses_of
from market.calendars import bar_closes_at, is_open
from market.contracts import contract_terms
from market.intervals import interval_get
from market.models import Instrument
from market.selectors import LatestPrice


def facts_gather(
    *, order: Order, account: BrokerAccount, limit: RiskLimit, ledger: Ledger
) -> Facts:
    """Return what is known about an order, in the scope of one set of limits."""
    quotes, owner_id = ledger.quotes, account.owner_id
    terms = contract_terms(order.symbol)
    instrument = quotes.instrument(order.symbol, owner_id)
    quote = quotes.get(order.symbol, owner_id)
    sign = SIGN[Side(order.side)]
    held, along = ledger.held(limit), ledger.pending(limit, sign)
    values, added, against = (
        _worths(units, order, ledger) for units in (held, along, ledger.pending(limit, -sign))
    )
    every = [*values.items(), *added.items(), *against.items()]
    losses = losses_of(limit, ledger)
    return Facts(
        symbol=order.symbol,
        side=Side(order.side),
        units=order.quantity,
        multiplier=order.multiplier,
        underlying=terms.underlying if terms else "",
        order_price=order.limit_price or order.stop_price,
        trigger=order.stop_price,
        quote=quote.price if quote else None,
        quote_age_s=_age_s(quote, instrument, ledger.now),
        held=held.get(order.symbol, ZERO) + along.get(order.symbol, ZERO),
        gross=sum((abs(value) for _, value in every if value is not None), ZERO),
        net=sum((one for one in (*values.values(), *added.values()) if one is not None), ZERO),
        currencies=_several(ledger.currencies(limit, account)),
        unpriced=", ".join(sorted({symbol for symbol, value in every if value is None})),
        day_profit=losses.day_profit,
        drawdown=losses.drawdown,
        equity=losses.equity,
        orders_last_minute=(
            ledger.orders_last_minute(limit) if limit.max_orders_per_minute is not None else 0
        ),
        in_session=is_open(instrument, ledger.now) if limit.in_session_only else None,
        buying_power=_buying_power(account, ledger),
    )


def payment_gather(*, order: Order, account: BrokerAccount, ledger: Ledger) -> Facts:
    """Return what is known about the money for an order that no limits are about."""
    quote = ledger.quotes.get(order.symbol, account.owner_id)
    return Facts(
        symbol=order.symbol,
        side=Side(order.side),
        units=order.quantity,
        multiplier=order.multiplier,
        order_price=order.limit_price or order.stop_price,
        quote=quote.price if quote else None,
        quote_age_s=None,
        buying_power=_buying_power(account, ledger),
    )


def _several(currencies: set[str]) -> str:
    return " and ".join(sorted(currencies)) if len(currencies) > 1 else ""


def _worths(
    units: Mapping[str, Decimal], order: Order, ledger: Ledger
) -> dict[str, Decimal | None]:
    """Return what units are worth, None where that is not known; of an order's symbol its own."""
    own = order.limit_price or order.stop_price
    return {
        symbol: ledger.worth(symbol, order.owner_id, count, own if symbol == order.symbol else None)
        for symbol, count in units.items()
    }


def _buying_power(account: BrokerAccount, ledger: Ledger) -> Decimal | None:
    """Return what the broker said there is, less what open orders have claimed since."""
    if account.buying_power is None or account.reconciled_at is None:
        return None
    return account.buying_power - ledger.claimed(account)


def _age_s(quote: LatestPrice | None, instrument: Instrument, now: datetime) -> float | None:
    if quote is None:
        return None
    closed_at = bar_closes_at(
        int(quote.ts.timestamp() * 10**9),
        instrument=instrument,
        interval=interval_get(quote.interval),
    )
    return max(0.0, (now - closed_at).total_seconds())
