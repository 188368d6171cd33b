"""What is wrong with a rule before it is run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.config import RunConfig
from core.engine.program import (
    Operation,
    OrderKind,
    Price,
    PriceKind,
    Rule,
    SizeKind,
    Stop,
    StopKind,
    TimeInForce,
)
from core.errors import Detail

OPENS: Final = (Operation.OPEN_LONG, Operation.OPEN_SHORT)
CLOSES: Final = (Operation.CLOSE_LONG, Operation.CLOSE_SHORT, Operation.CLOSE)
_LIMITED: Final = (OrderKind.LIMIT, OrderKind.STOP_LIMIT)
_STOPPED: Final = (OrderKind.STOP, OrderKind.STOP_LIMIT, OrderKind.TRAILING_STOP)
_REFERENCE_SIZES: Final = (SizeKind.UNITS, SizeKind.PERCENT_OF_EQUITY)


def series_named(price: Stop | Price | None) -> bool:
    """Return whether a price or guard is found from a column or a register."""
    if isinstance(price, Stop):
        return price.kind != StopKind.PERCENT
    return price is not None and price.kind == PriceKind.SERIES


class RuleCheck:
    """Finds what is wrong with one rule."""

    def __init__(
        self,
        number: int,
        rule: Rule,
        columns: Sequence[NDArray[Any]],
        registers: frozenset[int],
        config: RunConfig,
    ) -> None:
        self.path = f"program.rules[{number}]"
        self.rule = rule
        self.columns = columns
        self.registers = registers
        self.config = config
        self.found: list[Detail] = []

    def faults(self) -> list[Detail]:
        """Return a detail for each fault, naming the rule's graph node."""
        if self.rule.trigger != -1:
            self._column("trigger", self.rule.trigger, np.dtype(np.bool_))
        if self.rule.guard != -1:
            self._register("guard", self.rule.guard)
        if self.rule.operation in OPENS:
            self._size()
            self._entries()
            below_price = -1 if self.rule.operation == Operation.OPEN_LONG else 1
            self._stop("stop_loss", self.rule.stop_loss, below_price)
            self._stop("take_profit", self.rule.take_profit, -below_price)
            self._stop("trailing", self.rule.trailing, below_price)
            bars = self.rule.max_bars
            self._require(bars >= 0, "max_bars", "must be 0 or more", bars)
            self._order()
        elif self.rule.operation in CLOSES:
            in_range = 0.0 < self.rule.fraction <= 1.0
            self._require(in_range, "fraction", "must be above 0 and at most 1", self.rule.fraction)
            self._order()
        if self.config.profile == "reference":
            self._reference()
        return self.found

    def _order(self) -> None:
        order, kind = self.rule.order, self.rule.order.kind
        self._price("order.limit", order.limit, wanted=kind in _LIMITED)
        self._price("order.stop", order.stop, wanted=kind in _STOPPED)
        if kind == OrderKind.TRAILING_STOP and order.stop is not None:
            ahead = 0.0 < order.stop.value < math.inf
            self._require(ahead, "order.stop.value", "must be above 0", order.stop.value)
        if order.time_in_force == TimeInForce.BARS:
            self._require(order.bars >= 1, "order.bars", "must be 1 or more", order.bars)

    def _price(self, key: str, price: Price | None, *, wanted: bool) -> None:
        kind = self.rule.order.kind.name
        if price is None:
            self._require(not wanted, key, f"must be set for {kind} orders", None)
            return
        self._require(wanted, key, f"must be left out of {kind} orders", price.kind.name)
        finite = math.isfinite(price.value)
        self._require(finite, f"{key}.value", "must be a number", price.value)
        if series_named(price):
            self._series(key, price)

    def _reference(self) -> None:
        """Refuse what backtesting.py does not have."""
        rule = "is not known to the reference profile; leave it out"
        entry = self.rule.operation in OPENS
        kind = self.rule.order.kind
        self._require(self.rule.trailing is None, "trailing", rule, "a trailing stop")
        self._require(self.rule.max_bars == 0, "max_bars", rule, self.rule.max_bars)
        known = kind == OrderKind.MARKET or (entry and kind != OrderKind.TRAILING_STOP)
        self._require(known, "order.kind", rule, kind.name)

    def _require(self, holds: bool, key: str, rule: str, received: Any) -> None:  # noqa: FBT001
        if not holds:
            path = f"{self.path}.{key}"
            text = f"{path} {rule}, found {received!r}."
            node = self.rule.source or None
            self.found.append(Detail(path, "invalid", text, rule, received, node))

    def _column(self, key: str, column: int, dtype: np.dtype[Any]) -> None:
        exists = 0 <= column < len(self.columns)
        self._require(exists, key, f"must be one of the {len(self.columns)} columns", column)
        if exists:
            found = self.columns[column].dtype
            self._require(found == dtype, key, f"must be a column of {dtype}", str(found))

    def _register(self, key: str, register: int) -> None:
        stored = register in self.registers
        self._require(stored, key, "must be a register that the code stores", register)

    def _series(self, key: str, price: Stop | Price) -> None:
        if price.register == -1:
            self._column(f"{key}.column", price.column, np.dtype(np.float64))
            return
        self._register(f"{key}.register", price.register)
        alone = "must be left out where there is a register"
        self._require(price.column == -1, f"{key}.column", alone, price.column)

    def _entries(self) -> None:
        entries = self.rule.max_entries
        self._require(entries >= 0, "max_entries", "must be 0 or more", entries)
        if self.config.profile == "reference":
            rule = "must be at most 1: the reference profile holds one entry at a time"
            self._require(entries <= 1, "max_entries", rule, entries)

    def _size(self) -> None:
        size = self.rule.size
        self._require(
            0.0 < size.value < math.inf, "size.value", "must be a number above 0", size.value
        )
        if size.kind in (SizeKind.PERCENT_OF_EQUITY, SizeKind.RISK_PERCENT):
            self._require(
                size.value <= 1.0,
                "size.value",
                "must be a fraction of at most 1 (credit comes from the margin)",
                size.value,
            )
        self._size_extras()
        if size.kind == SizeKind.RISK_PERCENT:
            guarded = self.rule.stop_loss is not None or self.rule.trailing is not None
            self._require(guarded, "stop_loss", "must be set to size by risk", None)
        if self.config.profile == "reference":
            known = size.kind in _REFERENCE_SIZES
            self._require(known, "size.kind", "is not known to the reference", size.kind.name)
            whole = size.kind != SizeKind.UNITS or size.value == round(size.value)
            self._require(whole, "size.value", "must be whole units", size.value)

    def _size_extras(self) -> None:
        """Check what only some sizes have."""
        size = self.rule.size
        if size.kind == SizeKind.VOLATILITY_TARGET:
            self._column("size.column", size.column, np.dtype(np.float64))
        else:
            alone = f"must be left out of {size.kind.name}"
            self._require(size.column == -1, "size.column", alone, size.column)
        if size.kind == SizeKind.KELLY:
            share = "must be above 0 and at most 1"
            for key in ("value", "most"):
                held = getattr(size, key)
                self._require(0.0 < held <= 1.0, f"size.{key}", share, held)
            least = 0.0 <= size.start <= 1.0
            self._require(least, "size.start", "must be from 0 to 1", size.start)
        if size.kind == SizeKind.FIXED_RATIO:
            some = 0.0 < size.start < math.inf
            self._require(some, "size.start", "must be a number above 0", size.start)

    def _stop(self, key: str, stop: Stop | None, direction: int) -> None:
        if stop is None:
            return
        if series_named(stop):
            self._series(key, stop)
        if stop.kind != StopKind.PRICE:
            limit = 1.0 if stop.kind == StopKind.PERCENT and direction < 0 else math.inf
            wanted = f"must be above 0 and below {limit:g}"
            self._require(0.0 < stop.value < limit, f"{key}.value", wanted, stop.value)
