"""What was won and lost in the scope of limits: since the day began, and below the highest.

Each set of limits keeps what its own scope had won when the day (UTC) began, and at its highest:
an account, all accounts of a user, a deployment by its own fills, or a symbol. Both are sampled
every minute, whether anything is ordered or not; orders are judged by the samples and by what is
won at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import F, Q
from django.utils import timezone

from brokers.models import BrokerAccount, Position, RiskLimit
from brokers.quotes import Quotes
from brokers.risk.ledger import Ledger

ZERO: Final = Decimal(0)
DAY: Final = timedelta(days=1)
ASKING: Final = Q(max_daily_loss__isnull=False) | Q(max_drawdown__isnull=False)


@dataclass(frozen=True, slots=True)
class Losses:
    """What limits on losses are compared with; None where it is not known, or nobody asks.

    Attributes
    ----------
    day_profit : Decimal or None
        Since the day began.
    drawdown : Decimal or None
        Fraction of the highest equity that is lost, >= 0.
    equity : Decimal or None
    """

    day_profit: Decimal | None = None
    drawdown: Decimal | None = None
    equity: Decimal | None = None


def losses_of(limit: RiskLimit, ledger: Ledger) -> Losses:
    """Return the losses in the scope of a set of limits, where it asks for them."""
    if limit.max_daily_loss is None and limit.max_drawdown is None:
        return Losses()
    profit = scope_profit(limit, ledger)
    if profit is None:
        return Losses()
    day_profit = profit - _begun(limit, ledger, profit)
    if limit.max_drawdown is None:
        return Losses(day_profit)
    capital, peak = ledger.capital(limit), _peak(limit, profit)
    equity, highest = capital + profit, capital + peak
    drawdown = (highest - equity) / highest if highest > 0 else Decimal(1)
    return Losses(day_profit, drawdown, equity)


def scope_profit(limit: RiskLimit, ledger: Ledger) -> Decimal | None:
    """Return what a scope has won, realised and at the last prices; None without one of these."""
    if limit.deployment_id is None:
        rows = ledger.positions_in(limit)
        profit = positions_profit(rows, ledger.quotes)
        before = ZERO if limit.symbol else ledger.profit_before(limit)
        return None if profit is None else profit - before
    total = ledger.cash(limit)
    for symbol, units in ledger.held(limit).items():
        quote = ledger.quotes.get(symbol, limit.owner_id)
        if quote is None:
            return None
        total += units * quote.price * ledger.quotes.multiplier(symbol, limit.owner_id)
    return total


def positions_profit(rows: Iterable[Position], quotes: Quotes) -> Decimal | None:
    """Return what positions have won: realised, and open at the last prices.

    None where one that is held has no price.
    """
    found = [_position_profit(row, quotes) for row in rows]
    known = [one for one in found if one is not None]
    return sum(known, ZERO) if len(known) == len(found) else None


def account_profit(account: BrokerAccount) -> Decimal:
    """Return what an account's positions have won; those without a price what they realised."""
    rows = Position.objects.filter(account=account).select_related("account")
    quotes = Quotes([account.owner_id])
    found = ((row, _position_profit(row, quotes)) for row in rows)
    return sum((row.realized_pnl if one is None else one for row, one in found), ZERO)


def _position_profit(row: Position, quotes: Quotes) -> Decimal | None:
    if not row.quantity:
        return row.realized_pnl
    quote = quotes.get(row.symbol, row.account.owner_id)
    if quote is None:
        return None
    open_profit = row.quantity * row.multiplier * (quote.price - row.average_price)
    return row.realized_pnl + open_profit


def _begun(limit: RiskLimit, ledger: Ledger, profit: Decimal) -> Decimal:
    """Return the profit when the day began: the first sample's, or the last of the day before."""
    today = ledger.now.date()
    if limit.day == today and limit.day_profit is not None:
        return limit.day_profit
    if limit.day == today - DAY and limit.last_profit is not None:
        return limit.last_profit
    return profit


def _peak(limit: RiskLimit, profit: Decimal) -> Decimal:
    """Return the highest profit: what an account began with counts, a symbol begins anywhere."""
    least = profit if limit.symbol else max(ZERO, profit)
    return least if limit.peak_profit is None else max(least, limit.peak_profit)


def losses_sample(owner_ids: Iterable[UUID] | None = None) -> None:
    """Write down what the scopes of limits on losses have won, of all owners or some."""
    limits = RiskLimit.objects.filter(ASKING)
    if owner_ids is not None:
        limits = limits.filter(owner_id__in=list(owner_ids))
    for owner_id in limits.order_by("owner_id").values_list("owner_id", flat=True).distinct():
        _owner_sample(owner_id)


def _owner_sample(owner_id: UUID) -> None:
    accounts = BrokerAccount.objects.filter(owner_id=owner_id).in_bulk()
    if not accounts:
        return
    ledger = Ledger(accounts, now=timezone.now())
    for limit in ledger.limits:
        if limit.max_daily_loss is None and limit.max_drawdown is None:
            continue
        profit = scope_profit(limit, ledger)
        if profit is None:
            continue
        # Where somebody set it meanwhile, or it began anew, the next sample is taken.
        RiskLimit.objects.filter(id=limit.id, updated_at=limit.updated_at).update(
            day=ledger.now.date(),
            day_profit=_begun(limit, ledger, profit),
            last_profit=profit,
            peak_profit=_peak(limit, profit),
            updated_at=timezone.now(),
        )


def losses_restart(account: BrokerAccount, *, forgotten: Decimal) -> None:
    """Have the losses of an account begin anew, which was connected or has gone live.

    Parameters
    ----------
    forgotten : Decimal
        What it has won before; with the user's other accounts it counts no more.
    """
    now = timezone.now()
    own = RiskLimit.objects.filter(account=account, deployment_id=None)
    own.update(day=None, last_profit=None, peak_profit=None, updated_at=now)
    if forgotten:
        shared = RiskLimit.objects.filter(
            owner_id=account.owner_id, account=None, deployment_id=None
        )
        shared.exclude(symbol="").update(
            day=None, last_profit=None, peak_profit=None, updated_at=now
        )
        shared.filter(symbol="").update(
            day_profit=F("day_profit") - forgotten,
            last_profit=F("last_profit") - forgotten,
            peak_profit=F("peak_profit") - forgotten,
            updated_at=now,
        )
    losses_sample([account.owner_id])
