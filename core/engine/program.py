"""The program: the contract between the strategy graph and the engine.

The engine owns an instruction set, as a processor does; the graph compiler targets it. A program
names the columns it wants (opaque to the engine) and holds rules in order of priority. It knows
nothing of nodes, indicators or users.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from core.engine.option_rules import OptionRule


class Operation(IntEnum):
    """What a rule does when its trigger is true at the close of a bar."""

    OPEN_LONG = 1
    OPEN_SHORT = 2
    CLOSE_LONG = 3
    CLOSE_SHORT = 4
    CLOSE = 5
    CANCEL_ORDERS = 6
    """Cancel all orders that wait."""
    ALERT = 7
    """Add a row to `Result.alerts`."""


class Op(IntEnum):
    """One instruction of the postfix code, which computes what depends on the position.

    The code runs once at the close of every bar from the warm-up on, before the rules are looked
    at. Each instruction takes its operands from the stack, the last one on top, and leaves one
    number; truths are 1.0 and 0.0, and NaN is no truth. Arithmetic and comparisons are those of
    the graph's columns: a comparison with NaN is false, a division by zero is NaN.
    """

    PUSH = 1
    """Leave `Instruction.value`."""
    COLUMN = 2
    """Leave the value of the program's column `Instruction.index` at this bar."""
    FIELD = 3
    """Leave the account's `AccountField` of number `Instruction.index` at this close."""
    LOAD = 4
    """Leave register `Instruction.index`."""
    STORE = 5
    """Move the top of the stack into register `Instruction.index`."""
    ADD = 10
    SUBTRACT = 11
    MULTIPLY = 12
    DIVIDE = 13
    MINIMUM = 14
    MAXIMUM = 15
    ABSOLUTE = 16
    NEGATE = 17
    LOGARITHM = 18
    SQUARE_ROOT = 19
    GREATER = 30
    GREATER_EQUAL = 31
    LESS = 32
    LESS_EQUAL = 33
    EQUAL = 34
    AND = 40
    OR = 41
    NOT = 42
    XOR = 43
    CROSS_ABOVE = 50
    """left, right: whether left crosses above right at this bar, a touch in between included; in
    the reference profile strictly. One cell."""
    BARS_SINCE = 51
    """truth: bars since it was last true, 0 where it is, NaN before it ever was. One cell."""
    RUN_LENGTH = 52
    """truth: at how many bars running it has been true, this one included. One cell."""
    SHIFT = 53
    """number: its value `Instruction.value` bars ago, NaN before. That many cells, and one."""
    LOOP = 54
    """when, while, every, most: whether the loop runs its actions at this bar. It starts where
    `when` is true, runs at once and then `every` bars later again and again, and ends where
    `while` is not true, or where a position has been closed and the account is flat. Two runs are
    at least `every` bars apart, and there are `most` of them at most until a position has been
    closed. Four cells."""
    WAIT = 55
    """trigger, until, bars, timeout: whether the wait ends at this bar. It begins where `trigger`
    is true and none is under way, and ends at the first bar at least `bars` bars later, and at
    least one, at which `until` is true, or without any end where that does not come within
    `timeout` bars. At the bar at which one is over the next may begin. Two cells."""


class AccountField(IntEnum):
    """What the code can read of the account, as it stands at the close of the bar."""

    SIDE = 0
    """1 long, -1 short, 0 flat."""
    QUANTITY = 1
    """Units held, without a sign."""
    ENTRY_PRICE = 2
    """Average price of the open entries; NaN while flat."""
    UNREALIZED_PNL = 3
    """In account currency before the commission of the exit; 0 while flat."""
    UNREALIZED_PNL_PCT = 4
    """In percent of the open entries' value; 0 while flat."""
    BARS_HELD = 5
    """Bars since the oldest open entry filled, 0 in the bar of its fill; NaN while flat."""
    BARS_SINCE_EXIT = 6
    """Bars since a position was last closed whole; infinite before the first time."""
    MAX_FAVORABLE_PCT = 7
    """Best price since the oldest open entry against the average entry, in percent, zero or above;
    NaN while flat."""
    MAX_ADVERSE_PCT = 8
    """Worst price likewise, zero or below; NaN while flat."""
    EQUITY = 9
    CASH = 10
    """As in `result.Result`."""
    DRAWDOWN = 11
    """Equity against the highest equity at a close so far, as a fraction, zero or below."""
    CLOSED_TRADES = 12
    LAST_TRADE_PNL = 13
    """Net of costs; NaN before the first trade."""
    ENTRIES = 14
    """Open entries of the position."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of the postfix code.

    Attributes
    ----------
    op : Op
    index : int
        A column, field or register; of an operation with memory its first cell.
    value : float
        Of PUSH the number, of SHIFT the bars.
    """

    op: Op
    index: int = 0
    value: float = 0.0


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
    VOLATILITY_TARGET = 5
    """So much that the position moves by `value` a year: equity x `value` / the column's value at
    the decision, costs included, and never more than equity buys on credit."""
    KELLY = 6
    """The fraction `value` of Kelly's criterion of the trades closed so far as a fraction of
    equity, costs included, and never more than `most`; before there are enough trades, `start`."""
    FIXED_RATIO = 7
    """Ryan Jones's contracts of `start` units: one, and the n-th more after a further profit of
    ``n x value`` from closed trades."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much an opening order trades.

    Attributes
    ----------
    kind : SizeKind
        How `value` and the others make a quantity.
    value : float
        Units, account currency, or a fraction.
    column : int
        Of VOLATILITY_TARGET: index into `Program.columns` of the volatility as a fraction a year.
    start : float
        Of KELLY the fraction of equity until `core.engine.own_trades.KELLY_TRADES` trades have
        closed; of FIXED_RATIO the units of a contract.
    most : float
        Of KELLY: the largest fraction of equity.
    """

    kind: SizeKind = SizeKind.PERCENT_OF_EQUITY
    value: float = 1.0
    column: int = -1
    start: float = 0.0
    most: float = 1.0


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
    register : int
        A register of the code in place of a column, or -1.
    """

    kind: StopKind
    value: float = 0.0
    column: int = -1
    register: int = -1


class OrderKind(IntEnum):
    """How an order comes to be filled."""

    MARKET = 1
    LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4
    TRAILING_STOP = 5
    """A stop that follows the price at a distance."""


class PriceKind(IntEnum):
    """How a price, or a distance between prices, is found at the decision."""

    NUMBER = 1
    """`value` itself."""
    OFFSET = 2
    """The decision's close and the fraction `value` of it: -0.01 is 1 % below. Of a distance, that
    fraction of the price it is measured from."""
    SERIES = 3
    """The value of the column or register; of a distance, `value` times it."""


@dataclass(frozen=True, slots=True)
class Price:
    """The price of an order, or the distance at which a trailing stop follows."""

    kind: PriceKind
    value: float = 1.0
    column: int = -1
    register: int = -1


class TimeInForce(IntEnum):
    """How long an order waits."""

    GOOD_TILL_CANCELLED = 1
    BARS = 2
    """For `Order.bars` bars after the decision; one is the next bar only."""
    DAY = 3
    """For the session of the bar after the decision."""


@dataclass(frozen=True, slots=True)
class Order:
    """How a rule trades.

    Attributes
    ----------
    kind : OrderKind
    limit : Price or None
        Of LIMIT and STOP_LIMIT.
    stop : Price or None
        Of STOP and STOP_LIMIT; of TRAILING_STOP the distance.
    time_in_force : TimeInForce
        Of all but MARKET.
    bars : int
        Of `TimeInForce.BARS`, at least 1.
    """

    kind: OrderKind = OrderKind.MARKET
    limit: Price | None = None
    stop: Price | None = None
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELLED
    bars: int = 0


MARKET: Final = Order()


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing the strategy does, and when.

    Attributes
    ----------
    operation : Operation
        What to do.
    trigger : int
        Index into `Program.columns` of a bool column: the rule acts where it is true; -1 is
        true at every bar.
    guard : int
        A register of the code that must be true as well, or -1.
    size : Size
        Quantity of an opening order; closing rules ignore it.
    fraction : float
        Part of the open position that a closing rule closes, in (0, 1].
    stop_loss, take_profit : Stop or None
        Guards of the position that an opening rule opens.
    max_entries : int
        As `Program.max_open_entries` for this rule alone; 0 leaves it to the program.
    order : Order
        How it trades. An order that waits is replaced by the next one of its rule.
    trailing : Stop or None
        Guard of the position that follows the best price since the entry; of kind PRICE, the
        series at every close, where it is nearer than before.
    max_bars : int
        After how many bars the position that an opening rule opens is closed; 0 is never.
    source : str
        Id of the graph node this rule came from, for reports; the engine does not read it.
    """

    operation: Operation
    trigger: int
    size: Size = Size()
    fraction: float = 1.0
    stop_loss: Stop | None = None
    take_profit: Stop | None = None
    guard: int = -1
    max_entries: int = 0
    order: Order = MARKET
    trailing: Stop | None = None
    max_bars: int = 0
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
    code : tuple of Instruction
        Computes the registers at every bar.
    registers, cells : int
        How many registers the code fills, and how many numbers it remembers from bar to bar;
        cells are NaN before the first bar.
    option_rules : tuple of OptionRule
        Options that are traded beside the instrument; only `core.options.simulate` runs them.
    rank : int
        Column by which instruments that share an account are served, the highest first; -1: none.
    """

    columns: tuple[str, ...]
    rules: tuple[Rule, ...]
    warmup: int = 0
    max_open_entries: int = 1
    code: tuple[Instruction, ...] = ()
    registers: int = 0
    cells: int = 0
    option_rules: tuple[OptionRule, ...] = ()
    rank: int = -1
