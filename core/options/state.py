"""What the kernel of a run with options reads and writes beyond the engine's own records.

As in `core.engine.state`, the annotations of a class are the fields of a numpy record.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.engine.state import Curves, Market, Plan, record_dtype
from core.engine.tables import Tables


class Stage(IntEnum):
    """Where in a bar the kernel stops for Python, and where it goes on."""

    OPEN = 0
    """Before anything has happened in the bar: positions are closed that are to be."""
    SHARES = 1
    OPENED = 2
    """After the orders in shares: positions are opened that are to be."""
    INSIDE = 3
    SETTLED = 4
    """At the close, after marking: options that are over expire, or are assigned."""
    DECIDED = 5
    """At the close, after all decisions on shares: option rules that fired are to be read."""
    ROOM = 6
    """As OPEN, but there is no room for the rows of another bar."""
    RUIN = 7
    """No equity is left at the close of the bar."""
    END = 8
    """All bars are done."""
    MARK_OPEN = 20
    """From here on commands, done at once: mark the options at the open…"""
    MARK_CLOSE = 21
    """…at the close, curves included…"""
    REQUIRE = 22
    """…find what they tie up with `Desk.shares` at `Desk.spot`…"""
    DELIVER = 23
    """…trade `Desk.shares` at `Desk.spot` without costs…"""
    RUINED = 24
    """…close all shares at the close of the bar and end the run…"""
    FINISHED = 25
    """…or close them at the last close, as the engine does at the end."""


class OptionTerms(Protocol):
    """A lowered `OptionsConfig`."""

    rate: float
    dividend_yield: float
    american: bool
    multiplier: float
    cash_margin: bool
    opening_rate: float  # share of their value that shares tie up when something opens
    carrying_rate: float  # and at every close


class Leg(Protocol):
    """One contract that is open; legs of a position follow each other in no order."""

    right: int
    strike: float
    expiry: int
    quantity: float  # contracts, below zero if short
    price: float  # mid price of the last mark
    position: int  # row in `Book.positions`
    secured: bool
    spare: float  # contracts that nothing covers: scratch of `margin`
    tied: float  # money that spreads tie up: scratch of `margin`
    highest: float
    lowest: float
    entry_bar: int
    entry_ts: int
    entry_price: float
    entry_mid: float
    commission: float


class Position(Protocol):
    """Legs that were opened together."""

    number: int  # of all positions of the run
    rule: int  # -1: the row is free
    base: float  # premium paid or received, without a sign
    flow: float  # money received less paid so far, commissions left out
    profit: float  # fractions of the base; NaN: no such condition
    loss: float
    days: int  # -1: no such condition
    closing: int  # why it is to be closed at the next chance: an OptionExitReason, 0 not at all


class Desk(Protocol):
    """Sums over the open legs, and what Python and the kernel tell each other."""

    legs: int
    value: float  # of all legs at their mid prices; part of the account's balance
    to_close: bool
    to_open: bool
    fired: bool
    breaches: int
    call_shares: bool  # the shares that were delivered cannot be carried
    shares: float
    spot: float
    required: float


OPTION_TERMS: Final = record_dtype(OptionTerms)
LEG: Final = record_dtype(Leg)
POSITION: Final = record_dtype(Position)
DESK: Final = record_dtype(Desk)


class Chain(NamedTuple):
    """The market of options, one value a bar."""

    day: NDArray[np.int64]  # session, days from 1970-01-01
    next_day: NDArray[np.int64]  # session of the next bar; the own one but for a session's last bar
    left_at_open: NDArray[np.float64]  # days of the own session that are left
    left_at_close: NDArray[np.float64]
    vol_at_open: NDArray[np.float64]  # known before the bar
    vol_at_close: NDArray[np.float64]
    dividend: NDArray[np.float64]  # of one share, whose holder must have it at this close
    signals: NDArray[np.bool_]  # by option rule and bar
    guards: NDArray[np.int64]  # by option rule: place in the engine's memory, or -1
    opens: NDArray[np.bool_]  # by option rule
    most: NDArray[np.int64]  # by option rule: positions at once
    closers: NDArray[np.int64]  # rules of the engine that close options as well


class Book(NamedTuple):
    """The option side of an account. Arrays own their memory and are changed in place."""

    terms: NDArray[Any]
    desk: NDArray[Any]
    legs: NDArray[Any]  # the first `Desk.legs` are open
    positions: NDArray[Any]
    held: NDArray[np.int64]  # by option rule: open positions
    fired: NDArray[np.bool_]  # by option rule: to be read by Python; the last one closes all
    value: NDArray[np.float64]  # by bar
    contracts: NDArray[np.float64]  # by bar: without a sign


class World(NamedTuple):
    """All that a step reads and writes."""

    market: Market
    plan: Plan
    tables: Tables
    curves: Curves
    chain: Chain
    book: Book


def book_new(terms: NDArray[Any], *, legs: int, positions: int, rules: int, bars: int) -> Book:
    """Return an empty book with room for so many."""
    rows = np.zeros(max(positions, 1), POSITION)
    rows["rule"] = -1
    return Book(
        terms,
        np.zeros(1, DESK),
        np.zeros(max(legs, 1), LEG),
        rows,
        np.zeros(rules, np.int64),
        np.zeros(rules + 1, np.bool_),
        np.zeros(bars),
        np.zeros(bars),
    )
