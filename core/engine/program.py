"""The program: the contract between the strategy graph and the engine.

The engine owns an instruction set, as a processor does; the graph compiler targets it. A program
names the columns it wants (opaque to the engine) and holds rules in order of priority. It knows
nothing of nodes, indicators or users.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Operation(IntEnum):
    """What a rule does when its trigger is true at the close of a bar."""

    OPEN_LONG = 1
    OPEN_SHORT = 2
    CLOSE_LONG = 3
    CLOSE_SHORT = 4
    CLOSE = 5


class SizeKind(IntEnum):
    """How the quantity of an opening order is found from `Size.value`."""

    UNITS = 1
    """`value` units of the instrument."""
    CASH = 2
    """As many units as `value` in account currency buys, costs included."""
    PERCENT_OF_EQUITY = 3
    """As many units as the fraction `value` of equity buys, costs included; on margin, as many as
    it buys on credit."""
    RISK_PERCENT = 4
    """As many units as lose the fraction `value` of equity between the price paid and the
    stop-loss; commissions and a gap come on top."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much an opening order trades."""

    kind: SizeKind = SizeKind.PERCENT_OF_EQUITY
    value: float = 1.0


class StopKind(IntEnum):
    """How the price of a stop-loss or take-profit is found."""

    PERCENT = 1
    """The fraction `value` away from the fill price."""
    MULTIPLE = 2
    """`value` times the column's value at the decision away from the fill price."""
    PRICE = 3
    """The column's value at the decision."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop-loss or take-profit that is attached to an opening order.

    Attributes
    ----------
    kind : StopKind
        How `value` and `column` make a price.
    value : float
        A fraction (PERCENT), a factor (MULTIPLE), unused (PRICE).
    column : int
        Index into `Program.columns` of a float column, or -1 where none is used.
    """

    kind: StopKind
    value: float = 0.0
    column: int = -1


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing the strategy does, and when.

    Attributes
    ----------
    operation : Operation
        What to do.
    trigger : int
        Index into `Program.columns` of a bool column: the rule acts where it is true.
    size : Size
        Quantity of an opening order; closing rules ignore it.
    fraction : float
        Part of the open position that a closing rule closes, in (0, 1].
    stop_loss, take_profit : Stop or None
        Guards of the position that an opening rule opens.
    source : str
        Id of the graph node this rule came from, for reports; the engine does not read it.
    """

    operation: Operation
    trigger: int
    size: Size = Size()
    fraction: float = 1.0
    stop_loss: Stop | None = None
    take_profit: Stop | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled strategy.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns that `simulate` is given, in this order; content hashes, opaque.
    rules : tuple of Rule
        In order of priority: of the rules that open on the same bar the first wins.
    warmup : int
        First bar (0-based) at which a decision may be made.
    max_open_entries : int
        How often the strategy may add to a position on the same side; 1 is no pyramiding.
    """

    columns: tuple[str, ...]
    rules: tuple[Rule, ...]
    warmup: int = 0
    max_open_entries: int = 1
