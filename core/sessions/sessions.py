"""Sessions of an exchange: their dates, and when each opens and closes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """Sessions of one exchange, in order, without overlap.

    They must cover the bars that they are used with; where they reach further (a year on either
    side is plenty), weeks and months at the ends are known to be whole.

    Attributes
    ----------
    dates : ndarray of int64, shape (n,)
        Days from 1970-01-01 to each session's date, strictly increasing.
    opens, closes : ndarray of int64, shape (n,)
        UTC nanoseconds; each session opens at or after the close of the one before.
    timezone : str
        The exchange's, such as ``"America/New_York"``.
    """

    dates: NDArray[np.int64]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    timezone: str = "UTC"

    def __len__(self) -> int:
        return self.dates.size
