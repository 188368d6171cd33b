"""What the kernel reads and writes: small records with one definition for Python, numba and mypy.

A class below is never instantiated. Its annotations are the fields of a numpy record, which the
compiled functions pass around by reference; `record_dtype` makes the dtype from them.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol, get_type_hints

import numpy as np
from numpy.typing import NDArray

_SCALARS: Final = {float: np.float64, int: np.int64, bool: np.bool_}


def record_dtype(view: type) -> np.dtype[Any]:
    """Return the numpy dtype whose fields are the annotations of `view`."""
    hints = get_type_hints(view)
    return np.dtype([(name, _SCALARS[hint]) for name, hint in hints.items()], align=True)


class LoweredRule(Protocol):
    """A `program.Rule`; its trigger is the row of the same number in `signals`."""

    opens: bool
    closes: bool
    cancels: bool
    alerts: bool
    side: int  # of the position it opens or closes; 0 closes either
    guard: int  # place in `memory`, or -1
    max_entries: int
    fraction: float
    size_kind: int
    size_value: float
    size_row: int  # in `series`, or -1
    size_start: float
    size_most: float
    stop_kind: int  # 0: no stop-loss
    stop_value: float
    stop_row: int  # in `series`, or -1
    stop_register: int  # place in `memory`, or -1
    take_kind: int
    take_value: float
    take_row: int
    take_register: int
    trail_kind: int
    trail_value: float
    trail_row: int
    trail_register: int
    max_bars: int  # 0: no time stop
    order_kind: int
    limit_kind: int  # of the order's limit, 0: none
    limit_value: float
    limit_row: int
    limit_register: int
    trigger_kind: int  # of the order's stop, or of the distance of a trailing one; 0: none
    trigger_value: float
    trigger_row: int
    trigger_register: int
    bars: int  # how long its orders wait; 0: until cancelled
    day: bool  # whether they wait for a session only


class Step(Protocol):
    """A `program.Instruction` with places in place of indices."""

    op: int
    operands: int  # how many it takes from the stack
    index: int  # a field, a row in `series`, or a place in `memory`
    value: float


class Terms(Protocol):
    """A lowered `RunConfig` and the settings of the program."""

    cash: float
    fee_percent: float
    fee_per_order: float
    fee_per_unit: float
    fee_minimum: float
    fee_maximum: float
    fee_maker: float  # in place of `fee_percent`
    fee_maximum_percent: float
    fee_bounded: bool  # whether there is a maximum by notional
    levied: bool
    levy_buy: float
    levy_sell: float
    levy_sell_order: float
    levy_sell_unit: float
    slippage: float
    slippage_model: int
    impact: float
    spread: float
    leverage: float
    maintenance: float
    carries: bool  # whether positions cost anything over night
    borrow: float  # a day
    financing: float
    lot_size: float  # 0: any fraction of a unit
    tick_size: float  # 0: any price
    min_notional: float
    participation: float  # 0: volume limits nothing
    lots: int  # the most entries that may be open at once
    rules: int
    reference: bool
    trade_on_close: bool
    liquidate_at_end: bool
    exclusive: bool
    positions: int  # instruments that may be held at once
    shared: bool  # whether instruments share the account
    rotates: bool  # whether better instruments take the place of those that are held
    detailed: bool  # whether finer bars tell what happens inside of bars


class Account(Protocol):
    """Money and trades, which the instruments of a run share."""

    balance: float  # initial cash + realised P&L - commissions; notional is not deducted
    profit: float  # open P&L of all instruments; this and the next two in portfolios alone
    basis: float
    gross: float  # the value of their positions without signs
    others_profit: float  # the same without the instrument that is served; zero if it is alone
    others_basis: float
    others_gross: float
    fills: int
    trades: int
    positions: int  # instruments held
    peak: float  # highest equity at a close so far; kept for the code alone
    wins: int  # trades with a profit
    losses: int  # trades with a loss
    won: float  # sum of the profits
    lost: float  # sum of the losses, above zero


class Holding(Protocol):
    """The sums over the open lots of one instrument, and what is known of its orders."""

    number: int  # of the instrument
    share: float  # of the account's equity, by which its entries are sized
    position: float  # signed units
    basis: float  # signed units x entry price, summed over the lots
    lots: int
    closings: int  # how often the position was closed whole
    last_exit: int  # bar of the last of them
    waiting: int  # tickets that wait
    ambiguous_bar: int  # the last that was counted
    volume_bar: int  # the bar of `volume_used`
    volume_used: float  # units filled in that bar, where volume limits them
    finer: int  # finer bars of the bar that are over, where it is gone through on them
    split_bar: int  # the last that opened after a split
    split: float  # units after for one before it
    earned: float  # realised P&L less what its positions cost over night
    row: int  # of the last bar that was seen; this and what follows is kept in portfolios alone
    price: float  # at which the position was last marked
    profit: float  # open P&L as it is counted in the account's
    basis_counted: float
    gross: float  # value of the position, likewise


class Lot(Protocol):
    """One open entry. Lots of a position share its side and close first in, first out."""

    side: int
    quantity: float
    entry_bar: int
    entry_ts: int
    entry_price: float
    reference_price: float
    commission: float
    stop_loss: float  # NaN: none
    take_profit: float
    highest: float
    lowest: float
    rule: int
    trail_kind: int  # 0: the stop-loss does not move
    trail: float  # a fraction of the best price, or a distance from it
    trailed: bool  # whether the stop-loss has been moved
    watched: bool  # whether its stop moves or its time is limited
    max_bars: int


class Order(Protocol):
    """What acts at the market next: at most one entry or one exit, or a liquidation."""

    entry_rule: int  # -1: none
    exit_rule: int
    fraction: float
    rest: float  # units of an exit that volume has left over
    active: bool
    forced: int  # the ExitReason for which the whole position is closed, whatever the rules say
    early: int  # the last bar before which it filled ahead of a split or a dividend


class Ticket(Protocol):
    """The order of a rule: what its decision at the close of `bar` saw. Each rule has one."""

    waiting: bool  # for its price; an order at the market does not wait
    bar: int
    buys: int  # 1 a purchase, -1 a sale
    base: float  # what the reference measures guards from
    limit: float  # NaN: none
    stop: float  # NaN: none, or triggered
    rest: float  # units of an exit that volume has left over
    distance: float  # of a trailing stop, a fraction or a distance; NaN: it does not move
    stop_level: float  # what its guards refer to
    take_level: float
    trail_level: float


class Fill(Protocol):
    """A row of `result.FILL`."""

    bar: int
    ts: int
    side: int
    quantity: float
    price: float
    reference_price: float
    commission: float
    slippage: float
    rule: int
    reason: int
    instrument: int


class Counters(Protocol):
    """What the result must own up to; see `Result.counters`."""

    ambiguous_bars: int
    ambiguous_trades: int
    ambiguous_pnl: float
    rejected_unaffordable: int
    rejected_below_lot: int
    rejected_size: int
    rejected_stop: int
    rejected_price: int
    rejected_full: int
    rejected_notional: int
    rejected_volume: int
    rejected_positions: int
    reduced_by_volume: int
    expired: int
    liquidations: int
    ruined: int
    closed_at_end: int
    unfilled_at_end: int
    waiting_at_end: int
    borrow_paid: float
    financing_paid: float
    without_detail: int
    splits: int
    dividends_received: float
    dividends_paid: float


LOWERED_RULE: Final = record_dtype(LoweredRule)
STEP: Final = record_dtype(Step)
TERMS: Final = record_dtype(Terms)
ACCOUNT: Final = record_dtype(Account)
LOT: Final = record_dtype(Lot)
HOLDING: Final = record_dtype(Holding)
ORDER: Final = record_dtype(Order)
TICKET: Final = record_dtype(Ticket)
COUNTERS: Final = record_dtype(Counters)


class Market(NamedTuple):
    """The bars, one array a column."""

    ts: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]


class Bar(NamedTuple):
    """One bar."""

    number: int
    ts: int
    open: float
    high: float
    low: float
    close: float


class Moment(NamedTuple):
    """When an order fills, and the price before costs."""

    bar: int
    ts: int
    price: float


class Cause(NamedTuple):
    """Why a fill came about, as it is written into it."""

    rule: int
    reason: int
    rests: int  # whether it is a limit order that has rested


class Deal(NamedTuple):
    """What an entry pays for a unit, and what kind of order it is."""

    paid: float
    slips: int  # whether it loses against the market
    rests: int  # whether it is a limit order that has rested


class Purse(NamedTuple):
    """The money that sizes an entry."""

    equity: float  # of the account, or the share of it that is the instrument's
    free: float  # the most that a share of it may come to


class Plan(NamedTuple):
    """The lowered program: rules, one row of triggers each, the code, and the numbers they read."""

    rules: NDArray[Any]  # of LoweredRule
    signals: NDArray[np.bool_]  # by rule and bar; the last row is true where any of them is
    series: NDArray[np.float64]  # by row and bar
    code: NDArray[Any]  # of Step
    stack: int  # place in `memory` where the stack begins
    session_row: int  # in `series`: a number for the session of each bar, where an order needs it
    volume_row: int  # in `series`, where volume limits orders or moves prices
    volatility_row: int  # in `series`, where it moves prices


class Curves(NamedTuple):
    """The output series, one value a bar."""

    equity: NDArray[np.float64]
    cash: NDArray[np.float64]
    position: NDArray[np.float64]


class Run(NamedTuple):
    """A run under way: what the rules read, and what they change in place.

    Records and arrays are shared memory, so that one tuple serves from the first bar to the last.
    """

    terms: Any  # Terms
    plan: Plan
    account: Any  # Account
    holding: Any  # Holding
    order: Any  # Order
    counters: Any  # Counters
    lots: NDArray[Any]  # of Lot; the first `holding.lots` are open
    fills: NDArray[Any]
    trades: NDArray[Any]
    memory: NDArray[np.float64]  # of the code: registers, cells, stack
    tickets: NDArray[Any]  # of Ticket, one a rule
