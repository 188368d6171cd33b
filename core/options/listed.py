"""The contracts that a venue has said there are, in place of those there should be by the rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from core.engine.option_rules import Right
from core.options.contract import Contract
from core.options.expiries import ExpiryCalendar


class ListedContracts(ExpiryCalendar):
    """The contracts of one underlying that can be traded.

    Rules find their expiries and strikes among these alone. Of a cycle are those that expire on its
    Fridays, or where a Friday is no session on the last one before.

    Parameters
    ----------
    contracts : iterable of Contract
        In any order.
    sessions : ndarray of int64
        As of `ExpiryCalendar`.
    """

    def __init__(self, contracts: Iterable[Contract], sessions: NDArray[np.int64]) -> None:
        super().__init__(sessions)
        strikes: defaultdict[tuple[int, Right], set[float]] = defaultdict(set)
        for contract in contracts:
            strikes[contract.expiry, contract.right].add(contract.strike)
        self._strikes = {key: np.array(sorted(found)) for key, found in strikes.items()}
        self._listed_days = sorted({expiry for expiry, _ in strikes})
