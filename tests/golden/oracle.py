"""The templates as anyone would write them for backtesting.py 0.6.6.

Nothing of the product's own translation (`core.backtests.reference`) is used: these are strategies
from that package's tutorial, fed the indicator arrays that the product computed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

from core.engine.bars import Bars


def strategy_of(series: Mapping[str, np.ndarray], buys: Any, sells: Any) -> type[Strategy]:
    """Return a long-only strategy: `buys` and `sells` look at it and answer yes or no."""

    class LongOnly(Strategy):
        def init(self) -> None:
            for name, values in series.items():
                setattr(self, name, self.I(lambda values=values: values, name=name, plot=False))

        def next(self) -> None:
            if buys(self):
                if not self.position:
                    self.buy()
            elif sells(self):
                self.position.close()

    return LongOnly


def sma_cross(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    return _averages(panel["sma(10)"], panel["sma(20)"])


def ema_cross(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    return _averages(panel["ema(20)"], panel["ema(50)"])


def macd(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    return _averages(panel["macd(12,26,9).macd"], panel["macd(12,26,9).signal"])


def rsi(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    return strategy_of(
        {"rsi": panel["rsi(14)"]},
        lambda s: crossover(s.rsi, 30),
        lambda s: crossover(70, s.rsi),
    )


def buy_and_hold(_: Mapping[str, np.ndarray]) -> type[Strategy]:
    return strategy_of({}, lambda _: True, lambda _: False)


STRATEGIES = {
    "sma_cross": sma_cross,
    "ema_cross": ema_cross,
    "rsi": rsi,
    "macd": macd,
    "buy_and_hold": buy_and_hold,
}


def _averages(fast: np.ndarray, slow: np.ndarray) -> type[Strategy]:
    return strategy_of(
        {"fast": fast, "slow": slow},
        lambda s: crossover(s.fast, s.slow),
        lambda s: crossover(s.slow, s.fast),
    )


def backtest(bars: Bars, strategy: type[Strategy], **options: Any) -> pd.Series:
    """Return the statistics of a run: `_trades` and `_equity_curve` are in them."""
    frame = pd.DataFrame(
        {
            "Open": bars.open,
            "High": bars.high,
            "Low": bars.low,
            "Close": bars.close,
            "Volume": bars.volume,
        },
        index=pd.to_datetime(bars.ts),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Backtest(
            frame, strategy, exclusive_orders=True, finalize_trades=True, **options
        ).run()
