"""The statistics of trades parted into those that bought first and those that sold short."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from core.metrics.keys import SIDE_KEYS
from core.metrics.measures import measure_trades
from core.metrics.summary import Summary, summary_build
from core.metrics.value import Undefined, Value


def sides_summarise(trades: NDArray[Any]) -> dict[str, Summary]:
    """Return the statistics of ``"all"``, ``"long"`` and ``"short"`` trades.

    Parameters
    ----------
    trades : structured array
        Closed trades with the fields of `core.metrics.summary.summarise`, and ``side``: 1 for a
        purchase, -1 for a short sale. Without it the two sides are undefined.

    Returns
    -------
    dict of Summary
        With `SIDE_KEYS`; ``net_profit`` is the sum of the trades' profits, 0 without trades.
        Costs are those of closed trades.
    """
    if "side" not in (trades.dtype.names or ()):
        missing: Value = Undefined("the trades do not say which side they were on")
        unknown = summary_build(dict.fromkeys(SIDE_KEYS, missing), SIDE_KEYS)
        return {"all": _summarise(trades), "long": unknown, "short": unknown}
    side = trades["side"]
    return {
        "all": _summarise(trades),
        "long": _summarise(trades[side > 0]),
        "short": _summarise(trades[side < 0]),
    }


def _summarise(trades: NDArray[Any]) -> Summary:
    costs: dict[str, Value] = {
        "net_profit": float(trades["pnl"].sum()),
        "commission_paid": float(trades["commission"].sum()),
        "slippage_paid": float(trades["slippage"].sum()),
    }
    return summary_build(measure_trades(trades) | costs, SIDE_KEYS)
