"""Gathering what the risk rules ask about: quotes, positions, profit, from the rows there are."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Case, DecimalField, ExpressionWrapper, F, Q, QuerySet, Sum, Value, When
from django.utils import timezone

from brokers.choices import OPEN_STATUSES, OPENING_SIDES, SIGN, Side
from brokers.models import BrokerAccount, Fill, Order, Position, RiskLimit
from brokers.risk.checks import Facts
from core.errors import InvalidInput
from market.calendars import bar_closes_at, sessions_for
from market.intervals import interval_get
from market.models import Instrument
from market.selectors import LatestPrice, instrument_get, price_latest

ZERO = Decimal(0)
AMOUNT: DecimalField[Decimal, Decimal] = DecimalField(max_digits=40, decimal_places=8)
SIGNED = Case(
    *(When(order__side=side, then=Value(sign)) for side, sign in SIGN.items()),
    default=Value(0),
)
SIGNED_ORDER = Case(
    *(When(side=side, then=Value(sign)) for side, sign in SIGN.items()), default=Value(0)
)


class Quotes:
    """Last prices, each looked up once."""

    def __init__(self, owner_id: UUID) -> None:
        self._owner_id = owner_id
        self._found: dict[str, LatestPrice | None] = {}

    def get(self, symbol: str) -> LatestPrice | None:
        """Return the last price of a symbol, None where there is none."""
        if symbol not in self._found:
            try:
                self._found[symbol] = price_latest(symbol, owner_id=self._owner_id)
            except InvalidInput:
                self._found[symbol] = None
        return self._found[symbol]

    def price(self, symbol: str, fallback: Decimal) -> Decimal:
        """Return the last price of a symbol, or what was paid for it."""
        quote = self.get(symbol)
        return quote.price if quote else fallback


def facts_gather(
    *, order: Order, account: BrokerAccount, limit: RiskLimit, quotes: Quotes
) -> Facts:
    """Return what is known about an order, in the scope of one set of limits."""
    now = timezone.now()
    instrument = instrument_get(order.symbol, owner_id=account.owner_id)
    quote = quotes.get(order.symbol)
    price = quote.price if quote else order.limit_price or order.stop_price or ZERO
    positions = _positions(order, limit, quotes)
    held = positions.get(order.symbol, (ZERO, price))[0]
    sign = SIGN[Side(order.side)]
    values = [units * last for units, last in positions.values()]
    pending = _pending(order, limit)
    own = pending.get(order.symbol, ZERO)
    gross = sum((abs(value) for value in values), ZERO)
    net = sum(values, ZERO)
    for symbol, units in pending.items():
        value = units * quotes.price(symbol, price)
        gross, net = gross + abs(value), net + value
    day_profit, drawdown = _losses(account, limit, quotes, now)
    return Facts(
        symbol=order.symbol,
        side=Side(order.side),
        units=order.quantity,
        order_price=order.limit_price or order.stop_price,
        quote=quote.price if quote else None,
        quote_age_s=_age_s(quote, instrument, now),
        held=held + (own if own * sign > 0 else ZERO),
        gross=gross,
        net=net,
        day_profit=day_profit,
        drawdown=drawdown,
        orders_last_minute=_scoped(limit, Order.objects.all(), "")
        .filter(created_at__gt=now - timedelta(minutes=1), external=False)
        .exclude(id=order.id)
        .count()
        if limit.max_orders_per_minute is not None
        else 0,
        in_session=_in_session(instrument, now) if limit.in_session_only else None,
        buying_power=_buying_power(account, order, quotes),
    )


def _scoped(limit: RiskLimit, rows: QuerySet[Any], prefix: str) -> QuerySet[Any]:
    """Narrow rows of orders (or of what hangs on them) to what a set of limits is about."""
    chosen = Q(**{f"{prefix}owner_id": limit.owner_id})
    if limit.account_id:
        chosen &= Q(**{f"{prefix}account_id": limit.account_id})
    if limit.deployment_id:
        chosen &= Q(**{f"{prefix}deployment_id": limit.deployment_id})
    if limit.symbol:
        chosen &= Q(**{f"{prefix}symbol": limit.symbol})
    return rows.filter(chosen)


def _positions(
    order: Order, limit: RiskLimit, quotes: Quotes
) -> dict[str, tuple[Decimal, Decimal]]:
    """Return units and price of each symbol that is held in the scope."""
    rows = (
        _scoped(limit, Fill.objects.all(), "order__")
        .values("order__symbol")
        .annotate(
            units=Sum(ExpressionWrapper(F("quantity") * SIGNED, AMOUNT)),
        )
        .exclude(units=0)
    )
    fallback = order.limit_price or order.stop_price or ZERO
    return {
        row["order__symbol"]: (row["units"], quotes.price(row["order__symbol"], fallback))
        for row in rows
    }


def _pending(order: Order, limit: RiskLimit) -> dict[str, Decimal]:
    """Return what open orders that open positions would add, by symbol, signed."""
    rows = (
        _scoped(limit, Order.objects.all(), "")
        .filter(status__in=OPEN_STATUSES, side__in=OPENING_SIDES)
        .exclude(id=order.id)
        .values("symbol")
        .annotate(
            units=Sum(
                ExpressionWrapper((F("quantity") - F("filled_quantity")) * SIGNED_ORDER, AMOUNT)
            )
        )
    )
    return {row["symbol"]: row["units"] for row in rows}


def _losses(
    account: BrokerAccount, limit: RiskLimit, quotes: Quotes, now: datetime
) -> tuple[Decimal | None, Decimal | None]:
    """Return the account's profit of the day and its drawdown, where a limit asks for them."""
    if limit.max_daily_loss is None and limit.max_drawdown is None:
        return None, None
    profit = account_profit(account, quotes)
    if account.day != now.date():
        account.day, account.day_profit = now.date(), profit
    equity = account.initial_cash + profit
    account.peak_equity = max(equity, account.peak_equity or account.initial_cash)
    account.save(update_fields=["day", "day_profit", "peak_equity"])
    peak = account.peak_equity
    return profit - account.day_profit, (peak - equity) / peak if peak > 0 else Decimal(1)


def account_profit(account: BrokerAccount, quotes: Quotes) -> Decimal:
    """Return what the account has won since it began: realised, and open at the last prices."""
    return sum(
        (
            row.realized_pnl
            + row.quantity * (quotes.price(row.symbol, row.average_price) - row.average_price)
            for row in Position.objects.filter(account=account)
        ),
        ZERO,
    )


def _buying_power(account: BrokerAccount, order: Order, quotes: Quotes) -> Decimal | None:
    """Return what the broker said there is, less what open orders have claimed since."""
    if account.buying_power is None or account.reconciled_at is None:
        return None
    since = Order.objects.filter(
        account=account, created_at__gt=account.reconciled_at, side__in=OPENING_SIDES
    ).exclude(status__in=["denied", "rejected", "canceled"])
    return account.buying_power - sum(
        (
            row.quantity * quotes.price(row.symbol, row.limit_price or ZERO)
            for row in since.exclude(id=order.id)[:500]
        ),
        ZERO,
    )


def _age_s(quote: LatestPrice | None, instrument: Instrument, now: datetime) -> float | None:
    if quote is None:
        return None
    closed_at = bar_closes_at(
        int(quote.ts.timestamp() * 10**9),
        instrument=instrument,
        interval=interval_get(quote.interval),
    )
    return max(0.0, (now - closed_at).total_seconds())


def _in_session(instrument: Instrument, now: datetime) -> bool:
    moment = int(now.timestamp() * 10**9)
    day = 86_400 * 10**9
    sessions = sessions_for(instrument, first_ts=moment - day, last_ts=moment + day)
    return bool(((sessions.opens <= moment) & (moment < sessions.closes)).any())
