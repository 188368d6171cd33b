"""The alerts that a strategy gave in a backtest: listed, never sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from numpy.typing import NDArray

from core.backtests.times import iso_time
from strategies.graph.plan import Plan

KEYS: Final = ("time", "bar", "node_id", "message")
"""In a portfolio, `symbol` as well."""
LISTED_AT_MOST: Final = 1_000
"""A condition that stays true alerts at every bar: the first ones tell what it says."""


def alert_rows(
    plan: Plan, alerts: NDArray[Any], symbols: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return the first alerts of a result, in their order, as rows of `KEYS`.

    `symbols` are those of a portfolio, by the number of the instrument.
    """
    rules = plan.program.rules
    rows = []
    for alert in alerts[:LISTED_AT_MOST]:
        node_id = rules[int(alert["rule"])].source
        rows.append(
            ({"symbol": symbols[int(alert["instrument"])]} if symbols else {})
            | {
                "time": iso_time(alert["ts"]),
                "bar": int(alert["bar"]),
                "node_id": node_id,
                "message": plan.messages[node_id],
            }
        )
    return rows
