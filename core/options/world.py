"""The arrays of a run with options, as the kernel takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.engine.code_lowering import code_layout
from core.engine.config import RunConfig
from core.engine.lowering import by_bar_of, first_bar, plan_lower, terms_lower
from core.engine.option_rules import OptionOperation
from core.engine.program import Program
from core.engine.state import Curves, Market
from core.engine.tables import tables_new
from core.options.config import OptionsConfig
from core.options.state import OPTION_TERMS, Book, Chain, World, book_new


def world_build(
    bars: Bars,
    columns: Sequence[NDArray[Any]],
    program: Program,
    config: RunConfig,
    *,
    options_config: OptionsConfig,
    chain: Chain,
    room: int = 0,
) -> World:
    """Return the arrays of a run before its first bar, with the cash and without positions.

    `room` is for so many legs, and positions of them, beside those that the rules open at once.

    Raises
    ------
    InvalidInput
        With every fault of the program's own rules, as the engine finds them.
    """
    stock = replace(program, option_rules=())
    by_bar = by_bar_of(stock, config, bars, chain.day)
    plan = plan_lower(stock, columns, config, len(bars), by_bar)
    curves = Curves(*np.empty((3, len(bars)), np.float64))
    start = min(first_bar(stock, config), len(bars))
    curves.equity[:start] = config.cash
    curves.cash[:start] = config.cash
    curves.position[:start] = 0.0
    tables = tables_new(terms_lower(stock, config), len(bars), code_layout(stock).size)
    market = Market(*map(_read_only, (bars.ts, bars.open, bars.high, bars.low, bars.close)))
    book = _book(program, config, options_config, len(bars), room)
    return World(market, plan, tables, curves, chain, book)


def world_new() -> World:
    """Return a world of one bar without rules: its types are those of every other."""
    one = np.ones(1)
    bars = Bars.from_arrays(ts=[0], open=one, high=one, low=one, close=one, volume=one)
    days, none = np.zeros(1, np.int64), np.zeros(0, np.int64)
    chain = Chain(
        days, days, one, one, one, one, one, np.zeros((0, 1), np.bool_), none,
        np.zeros(0, np.bool_), none, none,
    )  # fmt: skip
    return world_build(
        bars, [], Program((), ()), RunConfig(), options_config=OptionsConfig(), chain=chain
    )


def option_terms(
    options: OptionsConfig, *, multiplier: float, opening_rate: float, carrying_rate: float
) -> NDArray[Any]:
    """Return a lowered `OptionsConfig`, as an array of one."""
    return np.array(
        [
            (
                options.rate,
                options.dividend_yield,
                options.style == "american",
                multiplier,
                options.margin == "cash",
                opening_rate,
                carrying_rate,
            )
        ],
        OPTION_TERMS,
    )


def _book(
    program: Program, config: RunConfig, options: OptionsConfig, bars: int, room: int
) -> Book:
    terms = option_terms(
        options,
        multiplier=options.multiplier,
        opening_rate=config.margin,
        carrying_rate=config.maintenance_margin or config.margin,
    )
    opening = [
        (rule.max_positions, rule.max_positions * len(rule.legs))
        for rule in program.option_rules
        if rule.operation == OptionOperation.OPEN
    ]
    return book_new(
        terms,
        positions=sum((positions for positions, _ in opening), room),
        legs=sum((legs for _, legs in opening), room),
        rules=len(program.option_rules),
        bars=bars,
    )


def _read_only(column: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written: to numba that is a type of its own."""
    view = column.view()
    view.flags.writeable = False
    return view
