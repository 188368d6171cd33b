"""What makes a result weaker than it looks, in sentences for people."""

from __future__ import annotations

from collections.abc import Mapping

from core.engine.config import RunConfig


def warnings_write(counters: Mapping[str, int | float], config: RunConfig) -> tuple[str, ...]:
    """Return a sentence for each thing a reader of the result must know."""
    told = []
    if config.trade_on_close:
        told.append(
            "trade_on_close: orders filled at the very close that decided them, "
            "which nobody can do in a market."
        )
    if counters["ambiguous_bars"]:
        told.append(
            f"{counters['ambiguous_trades']} trade(s) with a P&L of "
            f"{counters['ambiguous_pnl']:.2f} rest on the rule that a stop-loss comes before a "
            f"take-profit when one bar touches both ({counters['ambiguous_bars']} bar(s))."
        )
    if counters["rejected_unaffordable"]:
        told.append(
            f"{counters['rejected_unaffordable']} order(s) were rejected for lack of money."
        )
    if counters["rejected_below_lot"]:
        told.append(
            f"{counters['rejected_below_lot']} order(s) were rejected: "
            "their size is less than one lot."
        )
    if counters["rejected_stop"]:
        told.append(
            f"{counters['rejected_stop']} entries were rejected: their stop-loss or take-profit "
            "was missing, not above zero, or on the wrong side of the price."
        )
    if counters["liquidations"]:
        told.append(
            f"The position was liquidated {counters['liquidations']} time(s) by the margin."
        )
    if counters["ruined"]:
        told.append("The run ended early: no equity was left.")
    if counters["unfilled_at_end"]:
        told.append("The decision at the last close was never filled.")
    return tuple(told)
