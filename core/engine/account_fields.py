"""What the code reads of the account, as it stands at the close of a bar."""

from __future__ import annotations

import numpy as np

from core.engine.book import cash_of
from core.engine.jit import inlined
from core.engine.program import AccountField
from core.engine.state import Bar, Run

_SIDE = int(AccountField.SIDE)
_QUANTITY = int(AccountField.QUANTITY)
_ENTRY_PRICE = int(AccountField.ENTRY_PRICE)
_UNREALIZED_PNL = int(AccountField.UNREALIZED_PNL)
_UNREALIZED_PNL_PCT = int(AccountField.UNREALIZED_PNL_PCT)
_BARS_HELD = int(AccountField.BARS_HELD)
_BARS_SINCE_EXIT = int(AccountField.BARS_SINCE_EXIT)
_MAX_FAVORABLE_PCT = int(AccountField.MAX_FAVORABLE_PCT)
_EQUITY = int(AccountField.EQUITY)
_CASH = int(AccountField.CASH)
_DRAWDOWN = int(AccountField.DRAWDOWN)
_CLOSED_TRADES = int(AccountField.CLOSED_TRADES)
_ENTRIES = int(AccountField.ENTRIES)
_OLDEST = 0


@inlined
def field_read(run: Run, field: int, bar: Bar, equity: float) -> float:
    """Return an `AccountField`; see there for what each is while the account is flat."""
    account = run.account
    if field < _EQUITY or field == _ENTRIES:
        return position_read(run, field, bar)
    found = np.nan
    if field == _EQUITY:
        found = equity
    elif field == _CASH:
        found = cash_of(run)
    elif field == _DRAWDOWN:
        found = min(equity / account.peak - 1.0, 0.0)
    elif field == _CLOSED_TRADES:
        found = float(account.trades)
    elif account.trades > 0:
        found = run.trades[account.trades - 1].pnl
    return found


@inlined
def position_read(run: Run, field: int, bar: Bar) -> float:
    """Return a field of the position or, while flat, what stands for it."""
    holding = run.holding
    if field == _ENTRIES:
        return float(holding.lots)
    if field == _BARS_SINCE_EXIT:
        return float(bar.number - holding.last_exit) if holding.closings > 0 else np.inf
    if holding.lots > 0:
        return position_open_read(run, field, bar)
    counted = field in (_SIDE, _QUANTITY, _UNREALIZED_PNL, _UNREALIZED_PNL_PCT)
    return 0.0 if counted else np.nan


@inlined
def position_open_read(run: Run, field: int, bar: Bar) -> float:
    """Return a field of an open position."""
    holding = run.holding
    gain = bar.close * holding.position - holding.basis
    if field == _SIDE:
        found: float = np.sign(holding.position)
    elif field == _QUANTITY:
        found = abs(holding.position)
    elif field == _ENTRY_PRICE:
        found = entry_average(run)
    elif field == _UNREALIZED_PNL:
        found = gain
    elif field == _UNREALIZED_PNL_PCT:
        found = gain / abs(holding.basis) * 100.0
    elif field == _BARS_HELD:
        found = float(bar.number - run.lots[_OLDEST].entry_bar)
    else:
        found = excursion_pct(run, field == _MAX_FAVORABLE_PCT)
    return found


@inlined
def entry_average(run: Run) -> float:
    """Return the average price of the open entries; of one entry its very own price."""
    holding = run.holding
    average: float = run.lots[_OLDEST].entry_price
    if holding.lots > 1:
        average = holding.basis / holding.position
    return average


@inlined
def excursion_pct(run: Run, favorable: bool) -> float:  # noqa: FBT001 - numba passes by place
    """Return how far the price went for or against the position since its oldest entry."""
    lot = run.lots[_OLDEST]
    long = lot.side > 0
    extreme = lot.highest if favorable == long else lot.lowest
    entry = entry_average(run)
    change: float = (extreme - entry) / entry * 100.0
    if not long:
        change = -change
    return max(change, 0.0) if favorable else min(change, 0.0)
