"""What is wrong with a rule before it is run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.config import RunConfig
from core.engine.program import Operation, Rule, SizeKind, Stop, StopKind
from core.errors import Detail

OPENS: Final = (Operation.OPEN_LONG, Operation.OPEN_SHORT)
_REFERENCE_SIZES: Final = (SizeKind.UNITS, SizeKind.PERCENT_OF_EQUITY)


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
        else:
            in_range = 0.0 < self.rule.fraction <= 1.0
            self._require(in_range, "fraction", "must be above 0 and at most 1", self.rule.fraction)
        return self.found

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
        if size.kind == SizeKind.RISK_PERCENT:
            guarded = self.rule.stop_loss is not None
            self._require(guarded, "stop_loss", "must be set to size by risk", None)
        if self.config.profile == "reference":
            known = size.kind in _REFERENCE_SIZES
            self._require(known, "size.kind", "is not known to the reference", size.kind.name)
            whole = size.kind != SizeKind.UNITS or size.value == round(size.value)
            self._require(whole, "size.value", "must be whole units", size.value)

    def _stop(self, key: str, stop: Stop | None, direction: int) -> None:
        if stop is None:
            return
        if stop.kind != StopKind.PERCENT and stop.register != -1:
            self._register(f"{key}.register", stop.register)
            alone = "must be left out where there is a register"
            self._require(stop.column == -1, f"{key}.column", alone, stop.column)
        elif stop.kind != StopKind.PERCENT:
            self._column(f"{key}.column", stop.column, np.dtype(np.float64))
        if stop.kind != StopKind.PRICE:
            limit = 1.0 if stop.kind == StopKind.PERCENT and direction < 0 else math.inf
            wanted = f"must be above 0 and below {limit:g}"
            self._require(0.0 < stop.value < limit, f"{key}.value", wanted, stop.value)
