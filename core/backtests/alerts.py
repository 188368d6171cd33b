"""The alerts that a strategy gave in a backtest: listed, never sent."""

from __future__ import annotations

from typing import Any, Final

from core.backtests.times import iso_time
from core.engine.result import Result
from strategies.graph.plan import Plan

KEYS: Final = ("time", "bar", "node_id", "message")
LISTED_AT_MOST: Final = 1_000
"""A condition that stays true alerts at every bar: the first ones tell what it says."""


def alert_rows(plan: Plan, result: Result) -> list[dict[str, Any]]:
    """Return the first alerts of a result, in their order, as rows of `KEYS`."""
    rules = plan.program.rules
    rows = []
    for alert in result.alerts[:LISTED_AT_MOST]:
        node_id = rules[int(alert["rule"])].source
        rows.append(
            {
                "time": iso_time(alert["ts"]),
                "bar": int(alert["bar"]),
                "node_id": node_id,
                "message": plan.messages[node_id],
            }
        )
    return rows
