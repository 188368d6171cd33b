"""From a `Program` and a `RunConfig` to the flat records the kernel reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.allocation import INSTRUMENTS_AT_MOST
from core.engine.bars import Bars
from core.engine.code_lowering import (
    code_columns,
    code_faults,
    code_layout,
    code_lower,
    registers_stored,
)
from core.engine.config import RunConfig
from core.engine.program import Operation, Price, Program, Rule, Stop, TimeInForce
from core.engine.rule_check import CLOSES, OPENS, RuleCheck, series_named
from core.engine.slippage import SlippageModel, return_deviation
from core.engine.state import LOWERED_RULE, TERMS, Plan
from core.errors import Detail, InvalidInput

_DAY_NS: Final = 86_400_000_000_000
_YEAR_DAYS: Final = 365.0
_SIDES: Final = {
    Operation.OPEN_LONG: 1,
    Operation.OPEN_SHORT: -1,
    Operation.CLOSE_LONG: 1,
    Operation.CLOSE_SHORT: -1,
    Operation.CLOSE: 0,
}


@dataclass(frozen=True, slots=True, eq=False)
class ByBar:
    """What orders need to know of each bar beside its prices; None where they do not."""

    sessions: NDArray[Any] | None = None
    volume: NDArray[Any] | None = None
    volatility: NDArray[Any] | None = None


_NOTHING: Final = ByBar()


def by_bar_of(
    program: Program,
    config: RunConfig,
    bars: Bars,
    sessions: NDArray[np.int64] | None,
    splits: NDArray[np.float64] | None = None,
) -> ByBar:
    """Return what the orders of a program need to know of bars; without sessions days are UTC.

    `splits` are those at the open of each bar, which are no returns.
    """
    if sessions is not None and sessions.shape != bars.ts.shape:
        raise InvalidInput(
            f"sessions must have one number a bar, shape {bars.ts.shape}, found {sessions.shape}.",
            code="shape_mismatch",
        )
    for_a_day = any(rule.order.time_in_force == TimeInForce.DAY for rule in program.rules)
    if for_a_day and sessions is None:
        sessions = bars.ts // _DAY_NS
    model = config.slippage.model
    close = bars.close if splits is None else bars.close * np.cumprod(splits)
    return ByBar(
        sessions if for_a_day else None,
        bars.volume if config.participation is not None or model == "volume_share" else None,
        return_deviation(close, config.slippage.window) if model == "volatility" else None,
    )


def plan_lower(
    program: Program,
    columns: Sequence[NDArray[Any]],
    config: RunConfig,
    bars: int,
    by_bar: ByBar = _NOTHING,
) -> Plan:
    """Return the program over its columns as arrays.

    `by_bar` is what orders need to know of the bars beside their prices.

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
    read = sorted(_price_columns(program) | code_columns(program))
    rows = {column: row for row, column in enumerate(read)}
    entries = program.max_open_entries
    rules = np.array([_rule_lower(rule, rows, entries) for rule in program.rules], LOWERED_RULE)
    signals = np.empty((len(program.rules) + 1, bars), np.bool_)
    for number, rule in enumerate(program.rules):
        signals[number] = columns[rule.trigger] if rule.trigger >= 0 else True
    np.logical_or.reduce(signals[:-1], axis=0, out=signals[-1])
    wanted = (by_bar.sessions, by_bar.volume, by_bar.volatility)
    also = [column for column in wanted if column is not None]
    series = np.empty((len(read) + len(also), bars), np.float64)
    for row, column in enumerate([*(columns[column] for column in read), *also]):
        series[row] = column
    code, stack = code_lower(program, rows), code_layout(program).stack
    session_row = len(read)
    volume_row = session_row + (by_bar.sessions is not None)
    volatility_row = volume_row + (by_bar.volume is not None)
    return Plan(rules, signals, series, code, stack, session_row, volume_row, volatility_row)


def terms_lower(program: Program, config: RunConfig, *, shared: bool = False) -> NDArray[Any]:
    """Return the record of an account's terms, as an array of one.

    `shared` is whether several instruments share the account.
    """
    commission, slippage = config.commission, config.slippage
    taken = commission.percent if commission.taker is None else commission.taker
    levies = (
        commission.buy_percent,
        commission.sell_percent,
        commission.sell_per_order,
        commission.sell_per_unit,
    )
    reference = config.profile == "reference"
    return np.array(
        [
            (
                config.cash,
                taken,
                commission.per_order,
                commission.per_unit,
                commission.minimum,
                math.inf if commission.maximum is None else commission.maximum,
                taken if commission.maker is None else commission.maker,
                commission.maximum_percent or 0.0,
                commission.maximum_percent is not None,
                any(levies),
                *levies,
                slippage.bps / 10_000.0,
                SlippageModel[slippage.model.upper()],
                slippage.impact,
                config.spread,
                1.0 / config.margin,
                config.maintenance_margin or 0.0,
                config.borrow_rate > 0.0 or config.financing_rate > 0.0,
                config.borrow_rate / _YEAR_DAYS,
                config.financing_rate / _YEAR_DAYS,
                0.0 if config.fractional else config.lot_size,
                config.tick_size,
                config.min_notional,
                config.participation or 0.0,
                _most_entries(program),
                len(program.rules),
                reference,
                config.trade_on_close,
                config.liquidate_at_end,
                config.exclusive,
                config.allocation.max_positions or INSTRUMENTS_AT_MOST,
                shared,
                config.allocation.rotate,
                False,
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
    order = rule.order
    return (
        rule.operation in OPENS,
        rule.operation in CLOSES,
        rule.operation == Operation.CANCEL_ORDERS,
        rule.operation == Operation.ALERT,
        _SIDES.get(rule.operation, 0),
        rule.guard,
        rule.max_entries or max_entries,
        rule.fraction,
        rule.size.kind,
        rule.size.value,
        rows.get(rule.size.column, -1),
        rule.size.start,
        rule.size.most,
        *_price_lower(rule.stop_loss, rows),
        *_price_lower(rule.take_profit, rows),
        *_price_lower(rule.trailing, rows),
        rule.max_bars,
        order.kind,
        *_price_lower(order.limit, rows),
        *_price_lower(order.stop, rows),
        order.bars if order.time_in_force == TimeInForce.BARS else 0,
        order.time_in_force == TimeInForce.DAY,
    )


def _price_lower(price: Stop | Price | None, rows: dict[int, int]) -> tuple[Any, ...]:
    if price is None:
        return (0, 0.0, -1, -1)
    return (price.kind, price.value, rows.get(price.column, -1), price.register)


def _price_columns(program: Program) -> set[int]:
    """Return the columns that sizes, guards and the prices of orders refer to."""
    prices = (
        price
        for rule in program.rules
        for price in (
            rule.stop_loss, rule.take_profit, rule.trailing, rule.order.limit, rule.order.stop
        )
    )  # fmt: skip
    found = {price.column for price in prices if price and series_named(price)}
    return (found | {rule.size.column for rule in program.rules}) - {-1}


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
