"""From a `Program` and a `RunConfig` to the flat records the kernel reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.code_lowering import (
    code_columns,
    code_faults,
    code_layout,
    code_lower,
    registers_stored,
)
from core.engine.config import RunConfig
from core.engine.program import Operation, Program, Rule, Stop, StopKind
from core.engine.rule_check import OPENS, RuleCheck
from core.engine.state import LOWERED_RULE, TERMS, Plan
from core.errors import Detail, InvalidInput

_SIDES: Final = {
    Operation.OPEN_LONG: 1,
    Operation.OPEN_SHORT: -1,
    Operation.CLOSE_LONG: 1,
    Operation.CLOSE_SHORT: -1,
    Operation.CLOSE: 0,
}


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
        faults.extend(code_faults(program, columns))
        registers = registers_stored(program)
        for number, rule in enumerate(program.rules):
            faults.extend(RuleCheck(number, rule, columns, registers, config).faults())
    if faults:
        message = " ".join(fault.message for fault in faults)
        raise InvalidInput(f"The program cannot be run: {message}", details=faults)
    read = sorted(_stop_columns(program) | code_columns(program))
    rows = {column: row for row, column in enumerate(read)}
    entries = program.max_open_entries
    rules = np.array([_rule_lower(rule, rows, entries) for rule in program.rules], LOWERED_RULE)
    signals = np.empty((len(program.rules), bars), np.bool_)
    for number, rule in enumerate(program.rules):
        signals[number] = columns[rule.trigger] if rule.trigger >= 0 else True
    series = np.empty((len(read), bars), np.float64)
    for row, column in enumerate(read):
        series[row] = columns[column]
    eventful = np.logical_or.reduce(signals, axis=0)
    code = code_lower(program, rows)
    return Plan(rules, signals, eventful, series, code, code_layout(program).stack)


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
                _most_entries(program),
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


def _most_entries(program: Program) -> int:
    """Return how many entries may be open at once by the most generous rule."""
    opening = (rule.max_entries for rule in program.rules if rule.operation in OPENS)
    return max(program.max_open_entries, *opening, 1)


def _rule_lower(rule: Rule, rows: dict[int, int], max_entries: int) -> tuple[Any, ...]:
    return (
        rule.operation in OPENS,
        _SIDES[rule.operation],
        rule.guard,
        rule.max_entries or max_entries,
        rule.fraction,
        rule.size.kind,
        rule.size.value,
        *_stop_lower(rule.stop_loss, rows),
        *_stop_lower(rule.take_profit, rows),
    )


def _stop_lower(stop: Stop | None, rows: dict[int, int]) -> tuple[Any, ...]:
    if stop is None:
        return (0, 0.0, -1, -1)
    return (stop.kind, stop.value, rows.get(stop.column, -1), stop.register)


def _stop_columns(program: Program) -> set[int]:
    """Return the columns that stops refer to."""
    stops = (stop for rule in program.rules for stop in (rule.stop_loss, rule.take_profit))
    return {stop.column for stop in stops if stop and stop.kind != StopKind.PERCENT} - {-1}


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
    if program.option_rules:
        text = "The program trades options: run it with core.options.simulate."
        faults.append(Detail("program.option_rules", "unsupported", text))
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
