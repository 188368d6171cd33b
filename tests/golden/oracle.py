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


def strategy_of(
    series: Mapping[str, np.ndarray], buys: Any, sells: Any, stop: Any = lambda _: None
) -> type[Strategy]:
    """Return a long-only strategy: `buys` and `sells` look at it and answer yes or no.

    `stop` gives the price of the stop-loss of an entry.
    """

    class LongOnly(Strategy):
        def init(self) -> None:
            for name, values in series.items():
                setattr(self, name, self.I(lambda values=values: values, name=name, plot=False))

        def next(self) -> None:
            if buys(self):
                if not self.position:
                    self.buy(sl=stop(self))
            elif sells(self):
                self.position.close()

    return LongOnly


def line(panel: Mapping[str, np.ndarray], start: str, end: str = "") -> np.ndarray:
    """Return the one indicator whose legend begins and ends so."""
    (found,) = (name for name in panel if name.startswith(start) and name.endswith(end))
    return panel[found]


def sma_cross(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    return _averages(line(panel, "sma(10"), line(panel, "sma(20"))


def ema_cross(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    return _averages(line(panel, "ema(20"), line(panel, "ema(50"))


def macd(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    return _averages(line(panel, "macd(12,26,9", ".macd"), line(panel, "macd(12,26,9", ".signal"))


def rsi(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    return strategy_of(
        {"rsi": line(panel, "rsi(14")},
        lambda s: crossover(s.rsi, 30),
        lambda s: crossover(70, s.rsi),
    )


def buy_and_hold(_: Mapping[str, np.ndarray]) -> type[Strategy]:
    return strategy_of({}, lambda _: True, lambda _: False)


def bollinger_reversion(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    return strategy_of(
        {"lower": line(panel, "bbands(20", "lower"), "middle": line(panel, "bbands(20", "middle")},
        lambda s: crossover(s.lower, s.data.Close),
        lambda s: s.data.Close[-1] > s.middle[-1],
    )


def donchian_breakout(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    # A channel that the bar itself is no part of: that of the bar before.
    return strategy_of(
        {
            "highest": np.append(np.nan, line(panel, "donchian(20", "upper")[:-1]),
            "lowest": np.append(np.nan, line(panel, "donchian(10", "lower")[:-1]),
        },
        lambda s: s.data.Close[-1] > s.highest[-1],
        lambda s: s.data.Close[-1] < s.lowest[-1],
    )


def supertrend(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    return strategy_of(
        {"trend": line(panel, "supertrend(10,3", ".trend")},
        lambda s: s.trend[-2] < 0 < s.trend[-1],
        lambda s: s.trend[-1] < 0 < s.trend[-2],
    )


def la_bomba(panel: Mapping[str, np.ndarray]) -> type[Strategy]:
    upper, middle, lower = (line(panel, "bbands(20", b) for b in ("upper", "middle", "lower"))
    bandwidth = (upper - lower) / middle

    def squeezed(bar: int) -> bool:
        window = bandwidth[bar - 119 : bar + 1]
        return len(window) == 120 and window[-1] == window.min()

    def buys(s: Strategy) -> bool:
        bar = len(s.data) - 1
        return (
            any(squeezed(before) for before in range(max(bar - 9, 119), bar + 1))
            and s.data.Close[-1] > s.upper[-1]
            and s.data.Volume[-1] >= 1.5 * s.usual_volume[-1]
        )

    return strategy_of(
        {
            "upper": upper,
            "middle": middle,
            "usual_volume": line(panel, "sma(20"),
            "atr": line(panel, "atr(14"),
        },
        buys,
        lambda s: s.data.Close[-1] < s.middle[-1],
        stop=lambda s: s.data.Close[-1] - 2 * s.atr[-1],
    )


STRATEGIES = {
    "bollinger_reversion": bollinger_reversion,
    "donchian_breakout": donchian_breakout,
    "supertrend": supertrend,
    "la_bomba": la_bomba,
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
