"""Gathering what the risk rules ask about an order: quotes, positions, profit."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from brokers.choices import SIGN, Side
from brokers.models import BrokerAccount, Order, RiskLimit
from brokers.risk.checks import Facts
from brokers.risk.ledger import ZERO, Ledger
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
    price = quote.price if quote else order.limit_price or order.stop_price or ZERO
    held, pending = ledger.held(limit), ledger.pending(limit)
    fallback = order.limit_price or order.stop_price or ZERO
    values = [ledger.worth(name, owner_id, units, fallback) for name, units in held.items()]
    adding = [ledger.worth(name, owner_id, units, price) for name, units in pending.items()]
    own = pending.get(order.symbol, ZERO)
    day_profit, drawdown = _losses(account, limit, ledger)
    return Facts(
        symbol=order.symbol,
        side=Side(order.side),
        units=order.quantity,
        multiplier=order.multiplier,
        underlying=terms.underlying if terms else "",
        order_price=order.limit_price or order.stop_price,
        quote=quote.price if quote else None,
        quote_age_s=_age_s(quote, instrument, ledger.now),
        held=held.get(order.symbol, ZERO) + (own if own * SIGN[Side(order.side)] > 0 else ZERO),
        gross=sum((abs(value) for value in (*values, *adding)), ZERO),
        net=sum((*values, *adding), ZERO),
        day_profit=day_profit,
        drawdown=drawdown,
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


def _losses(
    account: BrokerAccount, limit: RiskLimit, ledger: Ledger
) -> tuple[Decimal | None, Decimal | None]:
    """Return the account's profit of the day and its drawdown, where a limit asks for them."""
    if limit.max_daily_loss is None and limit.max_drawdown is None:
        return None, None
    profit = account_profit(account, ledger)
    before = (account.day, account.day_profit, account.peak_equity)
    if account.day != ledger.now.date():
        account.day, account.day_profit = ledger.now.date(), profit
    equity = account.initial_cash + profit
    account.peak_equity = max(equity, account.peak_equity or account.initial_cash)
    if before != (account.day, account.day_profit, account.peak_equity):
        account.save(update_fields=["day", "day_profit", "peak_equity"])
    peak = account.peak_equity
    return profit - account.day_profit, (peak - equity) / peak if peak > 0 else Decimal(1)


def account_profit(account: BrokerAccount, ledger: Ledger) -> Decimal:
    """Return what the account has won since it began: realised, and open at the last prices."""
    return sum(
        (
            row.realized_pnl
            + row.quantity
            * row.multiplier
            * (
                ledger.quotes.price(row.symbol, account.owner_id, row.average_price)
                - row.average_price
            )
            for row in ledger.positions
            if row.account_id == account.id
        ),
        ZERO,
    )


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
