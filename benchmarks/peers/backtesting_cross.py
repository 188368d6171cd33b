"""The case as users of backtesting.py write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import talib
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

from benchmarks.peers.case import CASH

if TYPE_CHECKING:
    from core.engine.bars import Bars


class SmaCross(Strategy):  # type: ignore[misc]  # the package has no types
    """The template."""

    def init(self) -> None:
        """Compute the averages."""
        self.fast = self.I(talib.SMA, self.data.Close, 10, plot=False)
        self.slow = self.I(talib.SMA, self.data.Close, 20, plot=False)

    def next(self) -> None:
        """Decide at the close of a bar."""
        if crossover(self.fast, self.slow):
            self.buy()
        elif crossover(self.slow, self.fast):
            self.position.close()


def frame_of(bars: Bars) -> pd.DataFrame:
    columns = ("open", "high", "low", "close", "volume")
    data = {name.title(): getattr(bars, name) for name in columns}
    return pd.DataFrame(data, index=pd.to_datetime(bars.ts))


def run_backtesting(frame: pd.DataFrame) -> Any:
    engine = Backtest(frame, SmaCross, cash=CASH, exclusive_orders=True, finalize_trades=True)
    return engine.run()
