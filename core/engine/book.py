"""Bookkeeping of a run: fills, lots and trades, and the account that sums them up (rule 11).

A position is a queue of lots, one for each entry. Every execution first writes its fill; the
fill is then matched with the lots. A closing fill takes from the oldest lot first, and each lot
it touches makes one trade row with its share of the fill's commission: a partial exit splits a
lot into a closed trade and a smaller lot.
"""

from __future__ import annotations

import numpy as np

from core.engine.costs import commission
from core.engine.jit import constant, inlined, outlined
from core.engine.state import Curves, Fill, Lot, Moment, Run

_OLDEST = constant(0)
_DUST = 1e-12  # relative: what rounding leaves of a fractional lot is not a lot


@inlined
def rows_short(run: Run) -> bool:
    """Whether the next bar might not find room for its rows: asked once a bar, not once a row.

    A bar closes every lot at most twice (a part by an order, the rest by its guard or by ruin)
    and opens one a rule, or has it give an alert; the end of the run closes them once more and
    may open as many.
    """
    room = 3 * (run.lots.size + run.tickets.size) + 6
    rows: int = min(run.fills.size - run.account.fills, run.trades.size - run.account.trades)
    return rows < room


@inlined
def fill_write(run: Run, at: Moment, side: int, quantity: float, price: float) -> Fill:
    """Append an execution at `price`, which was `at.price` before costs; rule and reason follow."""
    fill: Fill = run.fills[run.account.fills]
    fill.bar = at.bar
    fill.ts = at.ts
    fill.instrument = run.holding.number
    fill.side = side
    fill.quantity = quantity
    fill.price = price
    fill.reference_price = at.price
    fill.commission = commission(run.terms, side, quantity, price, run.terms.fee_percent)
    fill.slippage = quantity * abs(price - at.price)
    run.account.fills += 1
    return fill


@inlined
def fill_rested(run: Run, fill: Fill) -> None:
    """Charge what a limit order pays that has rested until it filled."""
    terms = run.terms
    fill.commission = commission(terms, fill.side, fill.quantity, fill.price, terms.fee_maker)


@inlined
def account_sum(run: Run) -> None:
    """Bring the account's position and basis up to date with the lots."""
    position = 0.0
    basis = 0.0
    for k in range(run.holding.lots):
        lot = run.lots[k]
        position += lot.side * lot.quantity
        basis += lot.side * lot.quantity * lot.entry_price
    run.holding.position = position
    run.holding.basis = basis


@inlined
def lot_open(run: Run, fill: Fill, stop_loss: float, take_profit: float) -> None:
    """Turn an opening fill into one more lot."""
    lot: Lot = run.lots[run.holding.lots]
    lot.side = fill.side
    lot.quantity = fill.quantity
    lot.entry_bar = fill.bar
    lot.entry_ts = fill.ts
    lot.entry_price = fill.price
    lot.reference_price = fill.reference_price
    lot.commission = fill.commission
    lot.stop_loss = stop_loss
    lot.take_profit = take_profit
    lot.highest = fill.price
    lot.lowest = fill.price
    lot.rule = fill.rule
    lot.trail_kind = 0
    lot.trailed = lot.watched = False
    lot.max_bars = 0
    run.holding.lots += 1
    if run.holding.lots == 1:
        run.account.positions += 1
    run.account.balance -= fill.commission
    run.holding.earned -= fill.commission
    account_sum(run)


@inlined
def trade_write(run: Run, fill: Fill, lot: Lot, quantity: float, fee: float) -> None:
    """Append `quantity` of `lot`, closed by `fill`; `fee` is the commission of entry and exit."""
    gain = lot.side * quantity * (fill.price - lot.entry_price)
    best, worst = max(lot.highest, fill.price), min(lot.lowest, fill.price)
    if lot.side < 0:
        best, worst = worst, best
    trade = run.trades[run.account.trades]
    trade.entry_bar = lot.entry_bar
    trade.exit_bar = fill.bar
    trade.entry_ts = lot.entry_ts
    trade.exit_ts = fill.ts
    trade.side = lot.side
    trade.quantity = quantity
    trade.entry_price = lot.entry_price
    trade.exit_price = fill.price
    trade.pnl = gain - fee
    trade["return"] = (gain - fee) / (lot.entry_price * quantity)
    trade.commission = fee
    trade.slippage = quantity * (
        abs(lot.entry_price - lot.reference_price) + abs(fill.price - fill.reference_price)
    )
    trade.entry_rule = lot.rule
    trade.exit_reason = fill.reason
    trade.instrument = run.holding.number
    trade.mae = lot.side * (worst - lot.entry_price) / lot.entry_price
    trade.mfe = lot.side * (best - lot.entry_price) / lot.entry_price
    run.account.trades += 1
    if gain > fee:
        run.account.wins += 1
        run.account.won += gain - fee
    elif gain < fee:
        run.account.losses += 1
        run.account.lost += fee - gain


@outlined
def lot_close(run: Run, fill: Fill, k: int, quantity: float) -> None:
    """Close `quantity` of lot `k` by `fill`, and bear that share of the fill's commission."""
    lot: Lot = run.lots[k]
    exit_fee = fill.commission * (quantity / fill.quantity)
    share = quantity / lot.quantity
    entry_fee = lot.commission * share
    if run.terms.reference:  # it charges a part of a trade as if it had been a trade of its own
        percent = run.terms.fee_percent
        entry_fee = commission(run.terms, lot.side, quantity, lot.entry_price, percent)
    realised = lot.side * quantity * (fill.price - lot.entry_price) - exit_fee
    run.account.balance += realised
    run.holding.earned += realised
    trade_write(run, fill, lot, quantity, exit_fee + entry_fee)
    if share < 1.0:
        lot.quantity -= quantity
        lot.commission -= entry_fee
        return
    run.holding.lots -= 1
    if run.holding.lots == 0:
        run.account.positions -= 1
        run.holding.closings += 1
        run.holding.last_exit = fill.bar
    for j in range(k, run.holding.lots):
        run.lots[j] = run.lots[j + 1]


@inlined
def lots_close(run: Run, fill: Fill) -> None:
    """Match a closing fill with the lots, oldest first."""
    left = fill.quantity
    while left > 0.0 and run.holding.lots > 0:
        held = run.lots[0].quantity
        part = held if held <= left * (1.0 + _DUST) else left
        lot_close(run, fill, _OLDEST, part)
        left -= part
        if left <= fill.quantity * _DUST:
            left = 0.0
    account_sum(run)


@inlined
def equity_at(run: Run, price: float) -> float:
    """Return what the account is worth with this instrument's position marked at `price`."""
    account, holding = run.account, run.holding
    others = account.balance + account.others_profit
    equity: float = others + (price * holding.position - holding.basis)
    return equity


@inlined
def gross_at(run: Run, price: float) -> float:
    """Return the value of all positions without signs, this instrument's marked at `price`."""
    gross: float = run.account.others_gross + abs(run.holding.position) * price
    return gross


@inlined
def buying_power(run: Run, price: float) -> float:
    """Return what the account can buy on top of what it holds, at `price` for this instrument."""
    power: float = equity_at(run, price) * run.terms.leverage - gross_at(run, price)
    return power


@inlined
def cash_of(run: Run) -> float:
    """Return the account's equity less the market value of all positions."""
    cash: float = run.account.balance - run.account.others_basis - run.holding.basis
    return cash


@inlined
def bar_mark(run: Run, curves: Curves, bar: int, close: float) -> float:
    """Write an account of one instrument as it stands at `close`, and return its equity."""
    account, holding = run.account, run.holding
    equity: float = account.balance + (close * holding.position - holding.basis)
    row = np.uintp(bar)  # as in `kernel.bar_at`
    curves.equity[row] = equity
    curves.cash[row] = account.balance - holding.basis
    curves.position[row] = holding.position
    return equity
