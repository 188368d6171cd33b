"""The second opinion on code: the postfix code of a program in plain Python.

It follows the documentation of `core.engine.program` and shares no code with the engine's
interpreter, so that the two can hold each other to account.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import AccountField, Instruction, Op, OrderKind, Program

Stack = list[float]


def true(value: float) -> bool:
    """Return whether a number counts as true."""
    return not math.isnan(value) and value != 0


def _smaller(a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else min(a, b)


def _larger(a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else max(a, b)


_ONE: Final[dict[Op, Callable[[float], float]]] = {
    Op.ABSOLUTE: abs,
    Op.NEGATE: lambda a: -a,
    Op.LOGARITHM: lambda a: math.log(a) if a > 0 else math.nan,
    Op.SQUARE_ROOT: lambda a: math.sqrt(a) if a >= 0 else math.nan,
    Op.NOT: lambda a: not true(a),
}
_TWO: Final[dict[Op, Callable[[float, float], float]]] = {
    Op.ADD: lambda a, b: a + b,
    Op.SUBTRACT: lambda a, b: a - b,
    Op.MULTIPLY: lambda a, b: a * b,
    Op.DIVIDE: lambda a, b: a / b if b != 0 else math.nan,
    Op.MINIMUM: _smaller,
    Op.MAXIMUM: _larger,
    Op.GREATER: lambda a, b: a > b,
    Op.GREATER_EQUAL: lambda a, b: a >= b,
    Op.LESS: lambda a, b: a < b,
    Op.LESS_EQUAL: lambda a, b: a <= b,
    Op.EQUAL: lambda a, b: a == b,
    Op.AND: lambda a, b: true(a) and true(b),
    Op.OR: lambda a, b: true(a) or true(b),
    Op.XOR: lambda a, b: true(a) is not true(b),
}


@dataclass(slots=True)
class Crossing:
    """Whether left crosses above right, strictly: below at the bar before, above at this one."""

    below: bool = False

    def step(self, stack: Stack, _reader: AccountReader) -> float:
        """Return the truth at this bar."""
        right, left = stack.pop(), stack.pop()
        crosses, self.below = self.below and left > right, left < right
        return crosses


@dataclass(slots=True)
class Since:
    """Bars since something was true."""

    bars: float = math.nan

    def step(self, stack: Stack, _reader: AccountReader) -> float:
        """Return them at this bar."""
        self.bars = 0.0 if true(stack.pop()) else self.bars + 1
        return self.bars


@dataclass(slots=True)
class Streak:
    """Bars running at which something has been true."""

    bars: int = 0

    def step(self, stack: Stack, _reader: AccountReader) -> float:
        """Return them at this bar."""
        self.bars = self.bars + 1 if true(stack.pop()) else 0
        return self.bars


class Delay:
    """The value of some bars ago."""

    def __init__(self, bars: int) -> None:
        self.values: deque[float] = deque([math.nan] * bars)

    def step(self, stack: Stack, _reader: AccountReader) -> float:
        """Return it at this bar."""
        self.values.append(stack.pop())
        return self.values.popleft()


@dataclass(slots=True)
class Loop:
    """Actions that are repeated."""

    under_way: bool = False
    last_run: int | None = None
    runs: int = 0
    closings: int = 0

    def step(self, stack: Stack, reader: AccountReader) -> float:
        """Return whether they run at this bar."""
        most, every, going_on, when = (stack.pop() for _ in range(4))
        if reader.closings > self.closings:
            self.closings, self.runs = reader.closings, 0
            if reader.trade is None:
                self.under_way = False
        self.under_way = (self.under_way or true(when)) and true(going_on)
        rested = self.last_run is None or reader.bar - self.last_run >= every
        runs = self.under_way and rested and self.runs < most
        if runs:
            self.runs, self.last_run = self.runs + 1, reader.bar
        return runs


@dataclass(slots=True)
class Wait:
    """Something that comes some bars after its trigger."""

    began: int | None = None

    def step(self, stack: Stack, reader: AccountReader) -> float:
        """Return whether it comes at this bar."""
        timeout, bars, until, trigger = (stack.pop() for _ in range(4))
        comes = False
        if self.began is not None:
            elapsed = reader.bar - self.began
            comes = bars <= elapsed <= timeout and true(until)
            if comes or elapsed >= timeout:
                self.began = None
        if self.began is None and true(trigger):
            self.began = reader.bar
        return comes


_WITH_MEMORY: Final[dict[Op, Callable[[Instruction], Any]]] = {
    Op.CROSS_ABOVE: lambda _: Crossing(),
    Op.BARS_SINCE: lambda _: Since(),
    Op.RUN_LENGTH: lambda _: Streak(),
    Op.SHIFT: lambda step: Delay(int(step.value)),
    Op.LOOP: lambda _: Loop(),
    Op.WAIT: lambda _: Wait(),
}


class AccountReader:
    """What a strategy of backtesting.py sees of its account at a close."""

    def __init__(self, bars: Bars, program: Program, config: RunConfig) -> None:
        self.bars = bars
        self.rules = program.rules
        self.on_close = config.trade_on_close
        self.peak = config.cash
        self.bar = 0
        self.equity = self.balance = config.cash
        self.trade: Any = None
        self.closed: Sequence[Any] = ()
        self.closings = 0
        self.last_exit = -1

    def look(self, strategy: Any) -> None:
        """Take the account as it is at this close."""
        self.bar = len(strategy.data) - 1
        self.equity = float(strategy.equity)
        self.peak = max(self.peak, self.equity)
        self.trade = strategy.trades[0] if strategy.trades else None
        self.closed = strategy.closed_trades
        self.balance = float(strategy._broker._cash)  # noqa: SLF001 - it tells it nowhere else
        # Parts of one entry are closed trades of their own; the entry is over when none is open.
        ended = {(trade.entry_bar, trade.tag): trade.exit_bar for trade in self.closed}
        if self.trade is not None:
            ended.pop((self.trade.entry_bar, self.trade.tag), None)
        self.closings = len(ended)
        self.last_exit = max(ended.values(), default=-1)

    def read(self, field: AccountField) -> float:
        """Return a field of the account or of the position."""
        since_exit = self.bar - self.last_exit if self.closings else math.inf
        size = self.trade.size if self.trade else 0
        basis = size * self.trade.entry_price if self.trade else 0.0
        fields = {
            AccountField.SIDE: float(np.sign(size)),
            AccountField.QUANTITY: abs(size),
            AccountField.BARS_SINCE_EXIT: since_exit,
            AccountField.EQUITY: self.equity,
            AccountField.CASH: self.balance - basis,
            AccountField.DRAWDOWN: min(self.equity / self.peak - 1, 0.0),
            AccountField.CLOSED_TRADES: len(self.closed),
            AccountField.LAST_TRADE_PNL: self.closed[-1].pl if self.closed else math.nan,
            AccountField.ENTRIES: 1 if self.trade else 0,
        }
        return float(fields[field]) if field in fields else self._position(field)

    def _close(self) -> float:
        return float(self.bars.close[self.bar])

    def _position(self, field: AccountField) -> float:
        if self.trade is None:
            profit = field in (AccountField.UNREALIZED_PNL, AccountField.UNREALIZED_PNL_PCT)
            return 0.0 if profit else math.nan
        entry, size = self.trade.entry_price, self.trade.size
        profit = self._close() * size - size * entry
        if field == AccountField.ENTRY_PRICE:
            return float(entry)
        if field == AccountField.UNREALIZED_PNL:
            return float(profit)
        if field == AccountField.UNREALIZED_PNL_PCT:
            return float(profit / abs(size * entry) * 100)
        if field == AccountField.BARS_HELD:
            return float(self.bar - self.trade.entry_bar)
        return self._excursion(favorable=field == AccountField.MAX_FAVORABLE_PCT)

    def _excursion(self, *, favorable: bool) -> float:
        market = self.rules[self.trade.tag].order.kind == OrderKind.MARKET
        seen = slice(self.trade.entry_bar + (self.on_close and market), self.bar + 1)
        entry = self.trade.entry_price
        if favorable == self.trade.is_long:
            extreme = max(self.bars.high[seen].max(initial=0.0), entry)
        else:
            extreme = min(self.bars.low[seen].min(initial=np.inf), entry)
        change = (extreme - entry) / entry * 100
        return float(change if self.trade.is_long else -change)


class CodeRun:
    """One run of a program's code."""

    def __init__(
        self,
        program: Program,
        columns: Sequence[NDArray[Any]],
        bars: Bars,
        config: RunConfig,
    ) -> None:
        self.code = program.code
        self.columns = columns
        self.reader = AccountReader(bars, program, config)
        self.registers = [math.nan] * program.registers
        self.memory = {
            number: _WITH_MEMORY[step.op](step)
            for number, step in enumerate(program.code)
            if step.op in _WITH_MEMORY
        }

    def step(self, strategy: Any) -> list[float]:
        """Run the code at a close and return the registers."""
        self.reader.look(strategy)
        stack: Stack = []
        for number, step in enumerate(self.code):
            if step.op == Op.STORE:
                self.registers[step.index] = stack.pop()
            else:
                stack.append(float(self._value(number, step, stack)))
        return self.registers

    def _value(self, number: int, step: Instruction, stack: Stack) -> float:
        if number in self.memory:
            return float(self.memory[number].step(stack, self.reader))
        if step.op in _ONE:
            return _ONE[step.op](stack.pop())
        if step.op in _TWO:
            right, left = stack.pop(), stack.pop()
            return _TWO[step.op](left, right)
        return self._source(step)

    def _source(self, step: Instruction) -> float:
        if step.op == Op.PUSH:
            return step.value
        if step.op == Op.LOAD:
            return self.registers[step.index]
        if step.op == Op.FIELD:
            return self.reader.read(AccountField(step.index))
        return float(self.columns[step.index][self.reader.bar])
