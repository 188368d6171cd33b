"""What makes a result weaker than it looks, in sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from core.engine.config import RunConfig

_NAMED: Final = 5


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
    if counters["without_detail"]:
        told.append(
            f"{counters['without_detail']} bar(s) in which orders or guards were looked at had no "
            "finer bars that fit: the order inside them is that of the rules."
        )
    told.extend(_rejections(counters))
    if counters["liquidations"]:
        told.append(
            f"The position was liquidated {counters['liquidations']} time(s) by the margin."
        )
    told.extend(_carrying(counters))
    told.extend(_dividends(counters))
    if counters["ruined"]:
        told.append("The run ended early: no equity was left.")
    if counters["unfilled_at_end"]:
        told.append("The decision at the last close was never filled.")
    return tuple(told)


def endings_write(ended: Mapping[str, int]) -> tuple[str, ...]:
    """Return a sentence about positions that outlived their bars.

    Parameters
    ----------
    ended : mapping of str to int
        By symbol: the time of its last bar, in nanoseconds.
    """
    if not ended:
        return ()
    named = [
        f"{symbol} ({np.datetime64(ts, 'ns').astype('M8[D]')})" for symbol, ts in ended.items()
    ]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    text = (
        f"Held on at the last close after the bars had ended: {', '.join(named[:_NAMED])}{more}. "
        "Fetch newer bars, or count on nobody having paid that price."
    )
    return (text,)


def _carrying(counters: Mapping[str, int | float]) -> list[str]:
    """Return a sentence for what positions cost over night."""
    reasons = {"borrow_paid": "Borrowing shares", "financing_paid": "Borrowing money"}
    return [
        f"{text} cost {counters[key]:.2f}, which is in the equity and in no trade."
        for key, text in reasons.items()
        if counters[key]
    ]


def _dividends(counters: Mapping[str, int | float]) -> list[str]:
    """Return a sentence for what holding units brought, and being short of them cost."""
    reasons = {"dividends_received": "came in", "dividends_paid": "were owed on short positions"}
    return [
        f"Dividends of {counters[key]:.2f} {text}, which are in the equity and in no trade."
        for key, text in reasons.items()
        if counters[key]
    ]


def _rejections(counters: Mapping[str, int | float]) -> list[str]:
    """Return a sentence for each reason for which orders were rejected."""
    reasons = {
        "rejected_unaffordable": "order(s) were rejected for lack of money.",
        "rejected_below_lot": "order(s) were rejected: their size is less than one lot.",
        "rejected_size": "entries were rejected: nothing said how large they were to be, for no "
        "volatility was known, or the trades so far leave nothing to bet by Kelly's criterion.",
        "rejected_stop": "entries were rejected: their stop-loss or take-profit was missing, not "
        "above zero, or on the wrong side of the price.",
        "rejected_price": "order(s) were rejected: the price they were to wait for was missing or "
        "not above zero.",
        "rejected_full": "order(s) that had waited were rejected at their price: the position had "
        "all the entries it may have.",
        "rejected_notional": "order(s) were rejected: they were worth less than min_notional.",
        "rejected_volume": "order(s) were rejected for lack of volume.",
        "rejected_positions": "entries were rejected: max_positions instruments were held already.",
        "reduced_by_volume": "order(s) were reduced to what volume allowed.",
    }
    return [f"{counters[key]} {text}" for key, text in reasons.items() if counters[key]]
