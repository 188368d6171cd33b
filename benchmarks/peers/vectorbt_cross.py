"""The case as users of vectorbt write it, in a process of its own.

Started by `process.py` with the Python of ``.venv-peers``. It reads the bars from its standard
input, then one request a line, and answers each with a line of JSON. Nothing of ours is imported.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import warnings
from typing import Any, Final

import numpy as np
import pandas as pd
import talib

vbt: Final[Any] = importlib.import_module("vectorbt")  # there is nothing of it in our environment


class Case:
    """The bars, and what is computed from them each time."""

    def __init__(self, ts: Any, opened: Any, close: Any, cash: float) -> None:
        index = pd.to_datetime(ts)
        self.close = close
        self.index = index
        self.opens = pd.Series(opened, index)
        self.closes = pd.Series(close, index)
        self.cash = cash

    def portfolio(self) -> Any:
        """Return the run, by crossings of plain arrays: vectorbt's own take some ms longer."""
        fast, slow = talib.SMA(self.close, 10), talib.SMA(self.close, 20)
        above, below = fast > slow, fast < slow
        enter, leave = np.zeros((2, len(self.close)), np.bool_)
        # Decided at the close of a bar, filled at the next one's open.
        enter[2:] = above[1:-1] & below[:-2]
        leave[2:] = below[1:-1] & above[:-2]
        return vbt.Portfolio.from_signals(
            self.closes,
            pd.Series(enter, self.index),
            pd.Series(leave, self.index),
            price=self.opens,
            init_cash=self.cash,
            size_granularity=1.0,
            freq="1min",
        )

    def statistics(self) -> Any:
        """Return what somebody asks for who wants to see a backtest: statistics and trades."""
        made = self.portfolio()
        return made.stats(), made.trades.records

    def trades(self) -> dict[str, list[float]]:
        """Return the trades; one that is open at the end counts to the last close, as ours."""
        records = self.statistics()[1]
        names = {"entry_bar": "entry_idx", "exit_bar": "exit_idx", "quantity": "size"}
        names |= {name: name for name in ("entry_price", "exit_price", "pnl")}
        return {name: records[column].tolist() for name, column in names.items()}

    def seconds(self, what: str) -> float:
        """Return the processor time of one call of a method."""
        call = getattr(self, what)
        start = time.thread_time()
        call()
        return time.thread_time() - start


def main() -> None:
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the package prints goes elsewhere
    source = sys.stdin.buffer
    case: Case | None = None
    for line in source:
        request = json.loads(line)
        answer: Any = None
        if "bars" in request:
            count, cash = request["bars"], request["cash"]
            ts = np.frombuffer(source.read(8 * count), np.int64)
            opened, close = (np.frombuffer(source.read(8 * count)) for _ in range(2))
            case = Case(ts, opened, close, cash)
        elif case is not None:
            answer = case.trades() if request["do"] == "trades" else case.seconds(request["do"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
