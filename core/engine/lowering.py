"""From a `Program` and a `RunConfig` to the flat records the kernel reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.config import RunConfig
from core.engine.program import Operation, Program, Rule, SizeKind, Stop, StopKind
from core.engine.state import INSTRUCTION, TERMS, Plan
from core.errors import Detail, InvalidInput

_OPENS: Final = (Operation.OPEN_LONG, Operation.OPEN_SHORT)
_SIDES: Final = {
    Operation.OPEN_LONG: 1,
    Operation.OPEN_SHORT: -1,
    Operation.CLOSE_LONG: 1,
    Operation.CLOSE_SHORT: -1,
    Operation.CLOSE: 0,
}
_REFERENCE_SIZES: Final = (SizeKind.UNITS, SizeKind.PERCENT_OF_EQUITY)


def plan_lower(
    program: Program, columns: Sequence[NDArray[Any]], config: RunConfig, bars: int
) -> Plan:
    """Return the program over its columns as arrays.

    Raises
    ------
    InvalidInput
        With a detail for every column and rule that does not fit, naming the rule's graph node.
    """
    faults = [*_column_faults(program, columns, bars), *_setting_faults(program, config)]
    if not faults:
        for number, rule in enumerate(program.rules):
            faults.extend(_RuleCheck(number, rule, columns, config).faults())
    if faults:
        message = " ".join(fault.message for fault in faults)
        raise InvalidInput(f"The program cannot be run: {message}", details=faults)
    levels = _levels_used(program)
    rows = {column: row for row, column in enumerate(levels)}
    rules = np.array([_instruction(rule, rows) for rule in program.rules], INSTRUCTION)
    signals = np.empty((len(program.rules), bars), np.bool_)
    for number, rule in enumerate(program.rules):
        signals[number] = columns[rule.trigger]
    level_rows = np.empty((len(levels), bars), np.float64)
    for row, column in enumerate(levels):
        level_rows[row] = columns[column]
    eventful = np.logical_or.reduce(signals, axis=0)
    return Plan(rules, signals, eventful, level_rows)


def terms_lower(program: Program, config: RunConfig) -> NDArray[Any]:
    """Return the record of an account's terms, as an array of one."""
    commission = config.commission
    reference = config.profile == "reference"
    return np.array(
        [
            (
                config.cash,
                commission.percent,
                commission.per_order,
                commission.per_unit,
                commission.minimum,
                math.inf if commission.maximum is None else commission.maximum,
                config.slippage.bps / 10_000.0,
                config.spread,
                1.0 / config.margin,
                config.maintenance_margin or 0.0,
                0.0 if config.fractional else config.lot_size,
                program.max_open_entries,
                reference,
                config.trade_on_close,
                config.liquidate_at_end,
                config.exclusive,
            )
        ],
        TERMS,
    )


def first_bar(program: Program, config: RunConfig) -> int:
    """Return the first bar at which a decision is made; the reference never decides at bar 0."""
    return max(1, program.warmup) if config.profile == "reference" else program.warmup


def _instruction(rule: Rule, rows: dict[int, int]) -> tuple[Any, ...]:
    stop, take = rule.stop_loss, rule.take_profit
    return (
        rule.operation in _OPENS,
        _SIDES[rule.operation],
        rule.fraction,
        rule.size.kind,
        rule.size.value,
        *((stop.kind, stop.value, rows.get(stop.column, 0)) if stop else (0, 0.0, 0)),
        *((take.kind, take.value, rows.get(take.column, 0)) if take else (0, 0.0, 0)),
    )


def _levels_used(program: Program) -> list[int]:
    """Return the columns that stops refer to, each once."""
    stops = (stop for rule in program.rules for stop in (rule.stop_loss, rule.take_profit))
    return sorted({stop.column for stop in stops if stop and stop.kind != StopKind.PERCENT})


def _column_faults(program: Program, columns: Sequence[NDArray[Any]], bars: int) -> list[Detail]:
    if len(columns) != len(program.columns):
        wanted = len(program.columns)
        text = f"The program wants {wanted} columns, found {len(columns)}."
        return [Detail("columns", "length_mismatch", text, wanted, len(columns))]
    return [
        Detail(
            f"columns[{number}]",
            "shape_mismatch",
            f"Column {number} must have one value a bar, shape ({bars},), found {column.shape}.",
            [bars],
            list(column.shape),
        )
        for number, column in enumerate(columns)
        if column.shape != (bars,)
    ]


def _setting_faults(program: Program, config: RunConfig) -> list[Detail]:
    faults = []
    if program.warmup < 0:
        text = f"warmup must be 0 or more, found {program.warmup}."
        faults.append(Detail("program.warmup", "out_of_range", text, ">= 0", program.warmup))
    entries = program.max_open_entries
    if entries < 1:
        text = f"max_open_entries must be 1 or more, found {entries}."
        faults.append(Detail("program.max_open_entries", "out_of_range", text, ">= 1", entries))
    if entries > 1 and config.profile == "reference":
        text = f"The reference profile holds one entry at a time, max_open_entries is {entries}."
        faults.append(Detail("program.max_open_entries", "unsupported", text, 1, entries))
    return faults


class _RuleCheck:
    """Finds what is wrong with one rule."""

    def __init__(
        self, number: int, rule: Rule, columns: Sequence[NDArray[Any]], config: RunConfig
    ) -> None:
        self.path = f"program.rules[{number}]"
        self.rule = rule
        self.columns = columns
        self.config = config
        self.found: list[Detail] = []

    def faults(self) -> list[Detail]:
        self._column("trigger", self.rule.trigger, np.dtype(np.bool_))
        if self.rule.operation in _OPENS:
            self._size()
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
        if stop.kind != StopKind.PERCENT:
            self._column(f"{key}.column", stop.column, np.dtype(np.float64))
        if stop.kind != StopKind.PRICE:
            limit = 1.0 if stop.kind == StopKind.PERCENT and direction < 0 else math.inf
            wanted = f"must be above 0 and below {limit:g}"
            self._require(0.0 < stop.value < limit, f"{key}.value", wanted, stop.value)
