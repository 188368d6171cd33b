"""A second opinion: the same program run by backtesting.py, an engine nobody here wrote.

This is the only module that imports the package. It decides by the same documented semantics as
the engine, but in plain Python of its own, so that the two share no code that could be wrong in
both: the engine's profile "reference" must agree with it to the last bit.
"""

from __future__ import annotations

import dataclasses
import importlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.backtests.reference_code import AccountReader, CodeRun, true
from core.engine.bars import Bars
from core.engine.config import Commission, RunConfig
from core.engine.lowering import plan_lower
from core.engine.program import Operation, Program, Rule, SizeKind, Stop, StopKind
from core.engine.result import TRADE
from core.errors import Permanent

VERSION: Final = "0.6.6"
_LARGEST_FRACTION: Final = 1.0 - np.finfo(np.float64).eps
_OPENS: Final = {Operation.OPEN_LONG: 1, Operation.OPEN_SHORT: -1}
_CLOSES: Final = {
    Operation.CLOSE_LONG: (1,),
    Operation.CLOSE_SHORT: (-1,),
    Operation.CLOSE: (1, -1),
}


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceResult:
    """What backtesting.py found.

    Attributes
    ----------
    equity : ndarray of float64, shape (n,)
    trades : structured ndarray of `core.engine.result.TRADE`
        In the order of their exits. What backtesting.py does not tell is 0 (`exit_reason`,
        `slippage`) or NaN (`mae`, `mfe`).
    canceled : int
        Orders it canceled for lack of money.
    """

    equity: NDArray[np.float64]
    trades: NDArray[Any]
    canceled: int


def reference_run(
    *, bars: Bars, columns: Sequence[NDArray[Any]], program: Program, config: RunConfig
) -> ReferenceResult:
    """Run a program on backtesting.py with exclusive orders.

    Parameters
    ----------
    bars, columns, program
        As for `core.engine.simulate.simulate`; at least two bars.
    config : RunConfig
        Its profile is ignored; what the reference profile does not know is refused.

    Raises
    ------
    Permanent
        The package is not installed, or in another version.
    InvalidInput
        The program or the configuration uses what backtesting.py does not have.
    """
    package = _package()
    config = dataclasses.replace(config, profile="reference")
    plan_lower(program, columns, config, len(bars))
    strategy = _strategy_class(package, bars, columns, program, config)
    prices = {
        "Open": bars.open,
        "High": bars.high,
        "Low": bars.low,
        "Close": bars.close,
        "Volume": bars.volume,
    }
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        statistics = package.Backtest(
            pd.DataFrame(prices, index=pd.DatetimeIndex(bars.ts)),
            strategy,
            cash=config.cash,
            spread=config.spread,
            commission=_commission(config.commission),
            margin=config.margin,
            trade_on_close=config.trade_on_close,
            exclusive_orders=True,
            finalize_trades=config.liquidate_at_end,
        ).run()
    return ReferenceResult(
        equity=statistics["_equity_curve"]["Equity"].to_numpy(np.float64),
        trades=_trades(statistics["_trades"], bars),
        canceled=sum("Broker canceled" in str(warning.message) for warning in told),
    )


def _package() -> ModuleType:
    try:
        package = importlib.import_module("backtesting")
    except ImportError as error:
        raise Permanent(
            f"The second opinion needs backtesting.py: pip install backtesting=={VERSION}.",
            code="reference_missing",
        ) from error
    if package.__version__ != VERSION:
        raise Permanent(
            f"The second opinion is that of backtesting.py {VERSION}, found "
            f"{package.__version__}: pip install backtesting=={VERSION}.",
            code="reference_version",
        )
    return package


def _strategy_class(
    package: ModuleType,
    bars: Bars,
    columns: Sequence[NDArray[Any]],
    program: Program,
    config: RunConfig,
) -> type:
    # backtesting.py decides for the first time on the bar after the one that ends the NaN.
    gate = np.ones(len(bars))
    gate[: min(max(program.warmup - 1, 0), len(bars) - 1)] = np.nan
    code = CodeRun(program, columns, AccountReader(bars, config))

    class ProgramStrategy(package.Strategy):  # type: ignore[name-defined,misc] # known at run time
        def init(self) -> None:
            self.gate = self.I(lambda: gate, name="warm-up", plot=False, overlay=False)

        def next(self) -> None:
            bar = len(self.data) - 1
            if bar < program.warmup:
                return
            registers = code.step(self) if program.code else []
            side = int(np.sign(self.position.size))
            acting = [
                (number, rule)
                for number, rule in enumerate(program.rules)
                if (rule.trigger < 0 or columns[rule.trigger][bar])
                and (rule.guard < 0 or true(registers[rule.guard]))
            ]
            entries = [(n, rule) for n, rule in acting if _OPENS.get(rule.operation, side) != side]
            if entries:
                number, entry = entries[0]
                close = float(self.data.Close[-1])
                levels = [float(column[bar]) for column in columns]
                order = _order(entry, close, levels, registers, config.spread)
                if order is not None:
                    place = self.buy if _OPENS[entry.operation] > 0 else self.sell
                    place(**order, tag=number)
                    return
            fractions = [
                rule.fraction for _, rule in acting if side in _CLOSES.get(rule.operation, ())
            ]
            if fractions:
                self.position.close(max(fractions))

    return ProgramStrategy


def _order(
    rule: Rule,
    close: float,
    levels: Sequence[float],
    registers: Sequence[float],
    spread: float,
) -> dict[str, float] | None:
    """Return the arguments of the order, or None where its guards are unsound."""
    side = _OPENS[rule.operation]
    order: dict[str, float] = {"size": rule.size.value}
    if rule.size.kind == SizeKind.PERCENT_OF_EQUITY:
        order["size"] = min(rule.size.value, _LARGEST_FRACTION)
    paid = close * (1 + side * spread)
    for name, stop, direction in (("sl", rule.stop_loss, -side), ("tp", rule.take_profit, side)):
        if stop is None:
            continue
        price = _stop_price(stop, close, _stop_level(stop, levels, registers), direction)
        on_its_side = price > paid if direction > 0 else price < paid
        if not (on_its_side and 0 < price < np.inf):
            return None
        order[name] = price
    return order


def _stop_level(stop: Stop, levels: Sequence[float], registers: Sequence[float]) -> float:
    if stop.register >= 0:
        return registers[stop.register]
    return levels[stop.column] if stop.column >= 0 else np.nan


def _stop_price(stop: Stop, close: float, level: float, direction: int) -> float:
    if stop.kind == StopKind.PERCENT:
        return close * (1 + direction * stop.value)
    if stop.kind == StopKind.MULTIPLE:
        return close + direction * stop.value * level
    return level


def _commission(commission: Commission) -> Callable[[float, float], float]:
    def charge(size: float, price: float) -> float:
        units = abs(size)
        fee = commission.per_order + units * price * commission.percent
        fee = max(fee + units * commission.per_unit, commission.minimum)
        return fee if commission.maximum is None else min(fee, commission.maximum)

    return charge


def _trades(table: pd.DataFrame, bars: Bars) -> NDArray[Any]:
    trades = np.zeros(len(table), TRADE)
    trades["entry_bar"] = table["EntryBar"]
    trades["exit_bar"] = table["ExitBar"]
    trades["entry_ts"] = bars.ts[trades["entry_bar"]]
    trades["exit_ts"] = bars.ts[trades["exit_bar"]]
    trades["side"] = np.sign(table["Size"])
    trades["quantity"] = table["Size"].abs()
    trades["entry_price"] = table["EntryPrice"]
    trades["exit_price"] = table["ExitPrice"]
    trades["pnl"] = table["PnL"]
    trades["return"] = trades["pnl"] / (trades["entry_price"] * trades["quantity"])
    trades["commission"] = table["Commission"]
    trades["entry_rule"] = table["Tag"]
    trades["mae"] = trades["mfe"] = np.nan
    return trades
