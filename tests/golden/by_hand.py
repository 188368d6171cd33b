"""The templates worked out a second time, without one line of the product.

Indicators in pandas, trades in a plain loop over rows: what a reader with a spreadsheet would do.
Written from the documented contract, before its author had read the engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core.engine.bars import Bars


class Costs(NamedTuple):
    """Fractions of the price or of the notional, money for an order."""

    percent: float = 0.0
    per_order: float = 0.0
    slippage: float = 0.0
    spread: float = 0.0


class Trip(NamedTuple):
    entry_bar: int
    exit_bar: int
    quantity: float
    entry_price: float
    exit_price: float
    pnl: float


def sma(close: pd.Series, period: int) -> pd.Series:
    return close.rolling(period).mean()


def ema(values: pd.Series, period: int, *, seed_at: int | None = None) -> pd.Series:
    """Seeded, as in TA-Lib, by the mean of the `period` values that end at `seed_at`."""
    first = int(values.notna().to_numpy().argmax())
    seed_at = first + period - 1 if seed_at is None else seed_at
    seeded = values.astype(float).copy()
    seeded.iloc[:seed_at] = np.nan
    seeded.iloc[seed_at] = values.iloc[seed_at - period + 1 : seed_at + 1].mean()
    return seeded.ewm(alpha=2 / (period + 1), adjust=False).mean()


def rsi(close: pd.Series, period: int) -> pd.Series:
    """Wilder: means of gains and losses, seeded by the plain mean of the first `period`."""
    change = close.diff()
    means = []
    for part in (change.clip(lower=0.0), (-change).clip(lower=0.0)):
        seeded = part.copy()
        seeded.iloc[:period] = np.nan
        seeded.iloc[period] = part.iloc[1 : period + 1].mean()
        means.append(seeded.ewm(alpha=1 / period, adjust=False).mean())
    gain, loss = means
    return 100 * gain / (gain + loss)


def macd(close: pd.Series, fast: int, slow: int, signal: int) -> tuple[pd.Series, pd.Series]:
    """TA-Lib seeds both averages at the slow one's first bar and shows MACD with its signal."""
    line = ema(close, fast, seed_at=slow - 1) - ema(close, slow)
    signal_line = ema(line, signal)
    return line.where(signal_line.notna()), signal_line


def crosses(left: pd.Series, right: pd.Series | float) -> pd.Series:
    """Left comes from below to above; a touch in between does not end the crossing."""
    side = np.sign(left - right)
    before = side.replace(0.0, np.nan).ffill().shift()
    return (side > 0) & (before < 0)


Signals = tuple[np.ndarray, np.ndarray]


def signals_sma_cross(close: pd.Series) -> Signals:
    fast, slow = sma(close, 10), sma(close, 20)
    return crosses(fast, slow).to_numpy(), crosses(slow, fast).to_numpy()


def signals_ema_cross(close: pd.Series) -> Signals:
    fast, slow = ema(close, 20), ema(close, 50)
    return crosses(fast, slow).to_numpy(), crosses(slow, fast).to_numpy()


def signals_rsi(close: pd.Series) -> Signals:
    strength = rsi(close, 14)
    return crosses(strength, 30.0).to_numpy(), crosses(-strength, -70.0).to_numpy()


def signals_macd(close: pd.Series) -> Signals:
    line, signal = macd(close, 12, 26, 9)
    return crosses(line, signal).to_numpy(), crosses(signal, line).to_numpy()


def signals_buy_and_hold(close: pd.Series) -> Signals:
    return np.ones(len(close), bool), np.zeros(len(close), bool)


SIGNALS: dict[str, Callable[[pd.Series], Signals]] = {
    "sma_cross": signals_sma_cross,
    "ema_cross": signals_ema_cross,
    "rsi": signals_rsi,
    "macd": signals_macd,
    "buy_and_hold": signals_buy_and_hold,
}


def play(
    bars: Bars, signals: Signals, *, cash: float, costs: Costs
) -> tuple[list[Trip], np.ndarray]:
    """Long only, all equity in whole units, market orders at the next open, out at the last close.

    Returns
    -------
    trips, equity
    """
    enter, leave = signals
    last = len(bars) - 1
    units, paid, entry_bar, entry_fee = 0.0, 0.0, -1, 0.0
    trips: list[Trip] = []
    equity = np.empty(len(bars))
    order = ""

    def sell(bar: int, price: float) -> None:
        nonlocal cash, units
        price *= 1 - costs.slippage
        fee = costs.per_order + costs.percent * units * price
        cash += units * price - fee
        pnl = units * (price - paid) - entry_fee - fee
        trips.append(Trip(entry_bar, bar, units, paid, price, pnl))
        units = 0.0

    for bar, (open_, close) in enumerate(zip(bars.open.tolist(), bars.close.tolist(), strict=True)):
        if order == "buy":
            price = open_ * (1 + costs.slippage + costs.spread)
            bought = math.floor((cash - costs.per_order) / (price * (1 + costs.percent)))
            if bought > 0:
                units, paid, entry_bar = float(bought), price, bar
                entry_fee = costs.per_order + costs.percent * units * price
                cash -= units * price + entry_fee
        elif order == "sell":
            sell(bar, open_)
        order = "buy" if enter[bar] and not units else "sell" if leave[bar] and units else ""
        if bar == last and units:
            sell(bar, close)
        equity[bar] = cash + units * close
    return trips, equity


def trips_of(trades: Any) -> list[Trip]:
    return [Trip(*row) for row in trades[list(Trip._fields)].tolist()]
