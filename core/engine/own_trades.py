"""Sizes that follow the trades a strategy has closed so far: Kelly's criterion, fixed ratio."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.engine.jit import outlined
from core.engine.state import Account, LoweredRule

KELLY_TRADES: Final = 20
"""Trades with a profit or a loss before Kelly's criterion is asked."""


@outlined
def kelly_share(account: Account, rule: LoweredRule) -> float:
    """Return the fraction of equity to bet; NaN where the trades so far leave nothing to bet.

    Kelly (1956) for two outcomes, ``w - (1 - w) / r``: `w` is the share of trades with a profit
    among those with a profit or a loss, `r` the average profit in average losses.
    """
    decided = account.wins + account.losses
    if decided < KELLY_TRADES:
        return rule.size_start if rule.size_start > 0.0 else np.nan
    if account.wins == 0:
        return np.nan
    share = account.wins / decided
    if account.losses > 0:
        payoff = (account.won / account.wins) / (account.lost / account.losses)
        share -= (1.0 - share) / payoff
    return min(share * rule.size_value, rule.size_most) if share > 0.0 else np.nan


@outlined
def fixed_ratio_units(account: Account, rule: LoweredRule) -> float:
    """Return the units that the profit of closed trades allows by Ryan Jones's fixed ratio.

    The n-th contract beyond the first needs ``n x delta`` more than those before it, so that
    ``N = (1 + sqrt(1 + 8 x profit / delta)) / 2``, rounded down. A loss leaves one contract.
    """
    profit = max(account.won - account.lost, 0.0)
    allowed = 0.5 * (1.0 + np.sqrt(1.0 + 8.0 * profit / rule.size_value))
    contracts: float = np.floor(allowed * (1.0 + 1e-12))
    return contracts * rule.size_start
