"""What the instruments of a portfolio know of each other: the sums over all their positions.

An instrument is served as if the account were its own; the open P&L and the value of all other
positions come in as three numbers (`Account.others_profit` and its neighbours). With one
instrument they are exactly zero, so that a portfolio of one is bit for bit a run on it alone.
"""

from __future__ import annotations

from core.engine.jit import inlined, outlined
from core.engine.state import Holding, Run
from core.engine.tables import Tables


@outlined
def holdings_sum(tables: Tables) -> None:
    """Add up all positions as last marked, in the order of the instruments."""
    account = tables.account[0]
    profit = basis = gross = 0.0
    for number in range(tables.holding.size):
        holding = tables.holding[number]
        if holding.lots > 0:
            profit += holding.profit
            basis += holding.basis_counted
            gross += holding.gross
    account.profit = profit
    account.basis = basis
    account.gross = gross


@inlined
def holding_mark(holding: Holding, price: float) -> None:
    """Mark a position; the sums over all positions do not know of it yet."""
    holding.price = price
    holding.profit = price * holding.position - holding.basis
    holding.basis_counted = holding.basis
    holding.gross = abs(holding.position) * price


@inlined
def others_set(run: Run) -> None:
    """Have the account show what all other positions come to while this one is served."""
    account, holding = run.account, run.holding
    account.others_profit = account.profit - holding.profit
    account.others_basis = account.basis - holding.basis_counted
    account.others_gross = account.gross - holding.gross


@inlined
def holding_count(run: Run, fills: int) -> None:
    """Take what has become of a position since there were so many `fills` into the sums.

    It is marked at the price of its last fill, as the order was that made it.
    """
    account = run.account
    if account.fills == fills:
        return
    others_set(run)
    holding_mark(run.holding, run.fills[account.fills - 1].reference_price)
    account.profit = account.others_profit + run.holding.profit
    account.basis = account.others_basis + run.holding.basis_counted
    account.gross = account.others_gross + run.holding.gross
