"""The moving averages that an indicator's `ma` parameter can name."""

from __future__ import annotations

from typing import Final

AVERAGE_CODES: Final = {
    "sma": 0,
    "ema": 1,
    "wma": 2,
    "dema": 3,
    "tema": 4,
    "trima": 5,
    "kama": 6,
    "mama": 7,
    "t3": 8,
    "hma": 9,
    "zlema": 12,
    "rma": 13,
}
"""TA-Lib's number of each (``TA_MAType``); its 10 (none) and 11 (default) are not offered."""

RECURSIVE_AVERAGES: Final = frozenset({"ema", "dema", "tema", "kama", "mama", "t3", "zlema", "rma"})
"""Those whose value depends on all earlier bars."""
