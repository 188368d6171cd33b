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

from core.backtests.reference_code import CodeRun, true
from core.engine.bars import Bars
from core.engine.config import Commission, RunConfig
from core.engine.lowering import plan_lower
from core.engine.program import (
    Operation,
    OrderKind,
    Price,
    PriceKind,
    Program,
    Rule,
    SizeKind,
    Stop,
    StopKind,
    TimeInForce,
)
from core.engine.result import TRADE
from core.errors import Permanent

VERSION: Final = "0.6.6"
_DAY_NS: Final = 86_400_000_000_000
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
    *,
    bars: Bars,
    columns: Sequence[NDArray[Any]],
    program: Program,
    config: RunConfig,
    sessions: NDArray[np.int64] | None = None,
) -> ReferenceResult:
    """Run a program on backtesting.py with exclusive orders.

    Parameters
    ----------
    bars, columns, program, sessions
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
    days = bars.ts // _DAY_NS if sessions is None else sessions
    rules = _Rules(program, columns, config, days, CodeRun(program, columns, bars, config))
    strategy = _strategy_class(package, rules)
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


def _strategy_class(package: ModuleType, rules: _Rules) -> type:
    # backtesting.py decides for the first time on the bar after the one that ends the NaN.
    bars, warmup = len(rules.days), rules.program.warmup
    gate = np.ones(bars)
    gate[: min(max(warmup - 1, 0), bars - 1)] = np.nan

    class ProgramStrategy(package.Strategy):  # type: ignore[name-defined,misc] # known at run time
        def init(self) -> None:
            self.gate = self.I(lambda: gate, name="warm-up", plot=False, overlay=False)

        def next(self) -> None:
            if len(self.data) > warmup:
                rules.decide(self, len(self.data) - 1)

    return ProgramStrategy


class _Rules:
    """The rules of a program as one who trades by hand would follow them."""

    def __init__(
        self,
        program: Program,
        columns: Sequence[NDArray[Any]],
        config: RunConfig,
        days: NDArray[np.int64],
        code: CodeRun,
    ) -> None:
        self.program = program
        self.columns = columns
        self.spread = config.spread
        self.days = days
        self.code = code
        self.placed: dict[int, int] = {}

    def decide(self, strategy: Any, bar: int) -> None:
        """Do at a close what the rules say."""
        registers = self.code.step(strategy) if self.program.code else []
        side = int(np.sign(strategy.position.size))
        acting = [
            (number, rule)
            for number, rule in enumerate(self.program.rules)
            if (rule.trigger < 0 or self.columns[rule.trigger][bar])
            and (rule.guard < 0 or true(registers[rule.guard]))
        ]
        cancelled = any(rule.operation == Operation.CANCEL_ORDERS for _, rule in acting)
        for order in self._waiting(strategy):
            if cancelled or self._expires(order.tag, bar):
                order.cancel()
        entries = [(n, rule) for n, rule in acting if _OPENS.get(rule.operation, side) != side]
        if entries and self._enter(strategy, bar, entries[0], registers):
            return
        fractions = [rule.fraction for _, rule in acting if side in _CLOSES.get(rule.operation, ())]
        if fractions:
            strategy.position.close(max(fractions))

    def _enter(
        self, strategy: Any, bar: int, entry: tuple[int, Rule], registers: Sequence[float]
    ) -> bool:
        number, rule = entry
        levels = [float(column[bar]) for column in self.columns]
        terms = _Terms(float(strategy.data.Close[-1]), levels, registers, self.spread)
        order = terms.order(rule)
        if order is None:
            for old in self._waiting(strategy):
                if old.tag == number:
                    old.cancel()
            return False
        place = strategy.buy if _OPENS[rule.operation] > 0 else strategy.sell
        place(**order, tag=number)
        self.placed[number] = bar
        return True

    def _waiting(self, strategy: Any) -> list[Any]:
        """Return the orders that wait; at a close none is left that would act at once."""
        return [order for order in strategy.orders if not order.is_contingent]

    def _expires(self, number: int, bar: int) -> bool:
        """Return whether an order of a rule cannot act after this bar."""
        order, first = self.program.rules[number].order, self.placed[number] + 1
        if order.time_in_force == TimeInForce.BARS:
            return bar + 1 - self.placed[number] > order.bars
        ends = bar + 1 < len(self.days) and self.days[bar + 1] != self.days[first]
        return order.time_in_force == TimeInForce.DAY and bool(ends)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a decision knows: its close, and what columns and registers hold."""

    close: float
    levels: Sequence[float]
    registers: Sequence[float]
    spread: float

    def order(self, rule: Rule) -> dict[str, float] | None:
        """Return the arguments of the order, or None where its price or guards are unsound."""
        side = _OPENS[rule.operation]
        order: dict[str, float] = {"size": rule.size.value}
        if rule.size.kind == SizeKind.PERCENT_OF_EQUITY:
            order["size"] = min(rule.size.value, _LARGEST_FRACTION)
        for name, price in (("limit", rule.order.limit), ("stop", rule.order.stop)):
            if price is not None:
                order[name] = self._price(price)
                if not 0 < order[name] < np.inf:
                    return None
        base = order.get("limit", order.get("stop", self.close))
        paid = base if rule.order.kind != OrderKind.MARKET else base * (1 + side * self.spread)
        guards = (("sl", rule.stop_loss, -side), ("tp", rule.take_profit, side))
        for name, stop, direction in guards:
            if stop is None:
                continue
            order[name] = self._guard(stop, base, direction)
            on_its_side = order[name] > paid if direction > 0 else order[name] < paid
            if not (on_its_side and 0 < order[name] < np.inf):
                return None
        return order

    def _price(self, price: Price) -> float:
        if price.kind == PriceKind.OFFSET:
            return self.close * (1 + price.value)
        return self._level(price) if price.kind == PriceKind.SERIES else price.value

    def _guard(self, stop: Stop, base: float, direction: int) -> float:
        if stop.kind == StopKind.PERCENT:
            return base * (1 + direction * stop.value)
        if stop.kind == StopKind.MULTIPLE:
            return base + direction * stop.value * self._level(stop)
        return self._level(stop)

    def _level(self, source: Stop | Price) -> float:
        if source.register >= 0:
            return self.registers[source.register]
        return self.levels[source.column]


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
