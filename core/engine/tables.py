"""The memory of a run: its records as arrays, from which the kernel takes what it reads."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.engine.result import FILL, TRADE
from core.engine.state import ACCOUNT, COUNTERS, HOLDING, LOT, ORDER, TICKET

_ALL: Final = np.ones(1)


class Tables(NamedTuple):
    """The records of a run as arrays, which own their memory.

    Terms, account and counters have one row; holding and order have one for each instrument; of
    lots, memory and tickets each instrument has as many as the others, one after the other.
    """

    terms: NDArray[Any]
    account: NDArray[Any]
    holding: NDArray[Any]
    order: NDArray[Any]
    counters: NDArray[Any]
    lots: NDArray[Any]
    fills: NDArray[Any]
    trades: NDArray[Any]
    memory: NDArray[np.float64]
    tickets: NDArray[Any]

    def grown(self) -> Tables:
        """Return the same run with twice the rows where its tables run short of them."""
        return self._replace(
            fills=self._roomy(self.fills, int(self.account["fills"][0])),
            trades=self._roomy(self.trades, int(self.account["trades"][0])),
        )

    def _roomy(self, rows: NDArray[Any], used: int) -> NDArray[Any]:
        if rows.size - used >= _rows_spare(self.lots.size + self.tickets.size):
            return rows
        larger = np.empty(2 * rows.size, rows.dtype)
        larger[:used] = rows[:used]
        return larger


def tables_new(
    terms: NDArray[Any], bars: int, memory: int = 0, shares: NDArray[np.float64] = _ALL
) -> Tables:
    """Return the records of a run under `terms` before its first bar: flat, with the cash.

    The code finds room for as many numbers as `memory`, none of them known yet. `shares` are those
    of each instrument in the account.
    """
    count = len(shares)
    lots, rules = count * int(terms["lots"][0]), count * int(terms["rules"][0])
    # The kernel asks when it needs more.
    rows = min(bars // 4, 50_000) + _rows_spare(lots + rules)
    account = np.zeros(1, ACCOUNT)
    account["balance"] = account["peak"] = terms["cash"]
    holding = np.zeros(count, HOLDING)
    holding["number"] = np.arange(count)
    holding["share"] = shares
    holding["volume_bar"] = holding["ambiguous_bar"] = holding["split_bar"] = -1
    return Tables(
        terms,
        account,
        holding,
        np.zeros(count, ORDER),
        np.zeros(1, COUNTERS),
        np.zeros(lots, LOT),
        np.empty(rows, FILL),
        np.empty(rows, TRADE),
        np.full(count * memory, np.nan),
        np.zeros(rules, TICKET),
    )


def _rows_spare(orders: int) -> int:
    """Return a number of free rows with which `book.rows_short` is content."""
    return 4 * (orders + 8)
