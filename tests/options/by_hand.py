"""The template of a cash-secured put written out with pandas and the math module.

European contracts without interest in the exercise, so that the price is a formula. Nothing of the
product is used but the bars.
"""

from __future__ import annotations

from datetime import date, timedelta
from math import erf, exp, log, sqrt
from typing import Any

import numpy as np
import pandas as pd

RATE, PREMIUM, WINDOW = 0.02, 1.1, 20
SPREAD, LEAST_SPREAD, FEE = 0.02, 0.02, 0.65
SHARES = 100


def below(x: float) -> float:
    return 0.5 * (1.0 + erf(x / sqrt(2.0)))


def put(spot: float, strike: float, days: float, vol: float) -> tuple[float, float]:
    """Price and delta of a put, for one share."""
    if days <= 0:
        return max(strike - spot, 0.0), 0.0
    years = days / 365.0
    up = (log(spot / strike) + (RATE + vol * vol / 2) * years) / (vol * sqrt(years))
    down = up - vol * sqrt(years)
    price = strike * exp(-RATE * years) * below(-down) - spot * below(-up)
    return price, below(up) - 1.0


def step_of(spot: float) -> float:
    """The largest of 1, 2.5, 5 times a power of ten that is at most 2.5 % of the price."""
    steps = [factor * 10.0**power for power in range(-4, 5) for factor in (1, 2.5, 5)]
    return max(step for step in steps if step <= 0.025 * spot * (1 + 1e-12))


def strike_of(spot: float, days: float, vol: float, delta: float) -> float:
    step = step_of(spot)
    listed = [round(step * number, 9) for number in range(1, int(3 * spot / step) + 1)]
    return min(listed, key=lambda strike: abs(abs(put(spot, strike, days, vol)[1]) - delta))


def expiry_of(today: date, sessions: set[date], last: date, days: int = 30) -> date:
    """The Friday nearest to so many days, moved to the session before where it is a holiday."""
    found = []
    for ahead in range(1, 60):
        friday = today + timedelta(days=ahead)
        if friday.weekday() == 4:
            while friday not in sessions and friday <= last:
                friday -= timedelta(days=1)
            found.append(friday)
    return min(found, key=lambda one: (abs((one - today).days - days), one))


def half_spread(price: float) -> float:
    return max(SPREAD * price, LEAST_SPREAD) / 2


def simulate(
    days: list[date], opened: Any, close: Any, *, cash: float, delta: float, trend: int
) -> dict[str, Any]:
    """Return the equity of every day, the trades in puts, and those in shares."""
    closes = pd.Series(close)
    vol = (PREMIUM * np.log(closes).diff().rolling(WINDOW).std() * sqrt(252)).to_numpy()
    above = (closes > closes.rolling(trend).mean()).to_numpy()
    sessions, last = set(days), days[-1]
    position: dict[str, Any] | None = None
    order: dict[str, Any] | None = None
    leaving, shares, paid = False, 0, 0.0
    equity, puts, sold = [], [], []
    for i, today in enumerate(days):
        if leaving and position:
            price = put(
                opened[i], position["strike"], (position["expiry"] - today).days + 1, vol[i - 1]
            )[0]
            price += half_spread(price)
            cash -= price * SHARES + FEE
            puts.append(
                (position["bar"], i, position["strike"], position["price"], price, "profit")
            )
            position, leaving = None, False
        if shares:
            cash += shares * opened[i]
            sold.append((paid, opened[i]))
            shares = 0
        if order:
            price = put(opened[i], order["strike"], (order["expiry"] - today).days + 1, vol[i - 1])[
                0
            ]
            price -= half_spread(price)
            if cash + price * SHARES - FEE >= order["strike"] * SHARES:
                cash += price * SHARES - FEE
                position = order | {"price": price, "bar": i}
            order = None
        worth = 0.0
        if position:
            worth = put(close[i], position["strike"], (position["expiry"] - today).days, vol[i])[0]
            if position["expiry"] == today:
                strike = position["strike"]
                assigned = strike - close[i] >= 0.01 - 1e-9
                ends = "assigned" if assigned else "expired"
                puts.append((position["bar"], i, strike, position["price"], 0.0, ends))
                if assigned:
                    cash, shares, paid = cash - strike * SHARES, SHARES, strike
                position, worth = None, 0.0
        equity.append(cash + shares * close[i] - worth * SHARES)
        if position:
            leaving = (position["price"] - worth) >= 0.5 * position["price"] - 1e-14
        elif i >= trend - 1 and above[i]:
            expiry = expiry_of(today, sessions, last)
            order = {
                "expiry": expiry,
                "strike": strike_of(close[i], (expiry - today).days, vol[i], delta),
            }
    return {"equity": np.array(equity), "puts": puts, "shares": sold}
