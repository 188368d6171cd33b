"""What was filled, and what a strategy wants: the words in which decisions are given and taken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.engine.program import OrderKind
from core.options.contract import Contract


class Role(StrEnum):
    """What an order of a deployment is for."""

    ENTRY = "entry"
    EXIT = "exit"
    REVERSE = "reverse"  # closes the position for an entry on the other side
    STOP = "stop"
    TAKE = "take"
    # Of option legs: opened by their rule, and why they are closed.
    OPEN = "open"
    CLOSE = "close"
    PROFIT = "profit"
    LOSS = "loss"
    DAYS = "days"
    LIQUIDATION = "liquidation"
    UNWIND = "unwind"  # another leg of the position could not be had


@dataclass(frozen=True, slots=True)
class BookRow:
    """What an order came to in a bar, or that it waits no longer.

    Attributes
    ----------
    kind : str
        "entry", "exit", "guard", "ended", "fee"; of options "leg_open", "leg_close", "leg_end",
        "settled" and "delivery".
    bar_ts : int
        Open time of the bar in which it happened, nanoseconds.
    decided_ts : int
        Open time of the bar of the decision.
    rule : int
        Number of the rule in the program.
    side : int
        1 a purchase, -1 a sale.
    entry_ts : int
        Of entries and guards: the bar in which the entry was filled first.
    done : bool
        Nothing of the order is left to be filled.
    symbol : str
        The contract, of rows of options; their `decided_ts` is the decision that opened the
        position, and their quantity is contracts.
    """

    kind: str
    bar_ts: int
    decided_ts: int
    rule: int
    side: int = 0
    quantity: float = 0.0
    price: float = 0.0
    commission: float = 0.0
    reason: int = 0
    entry_ts: int = 0
    done: bool = True
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order that the strategy wants at the broker.

    Attributes
    ----------
    side : int
        1 a purchase, -1 a sale.
    opens : bool
        Whether it opens a position, or adds to one.
    decided_ts, entry_ts : int
        Bar of the decision; of a guard the bar in which its lot was filled first.
    trail : float
        Distance of a trailing stop from the price; NaN where it does not move.
    touched : bool
        Of a take-profit: whether a bar that is over has reached it while its lot was open.
    """

    role: Role
    rule: int
    side: int
    opens: bool
    kind: OrderKind
    quantity: float
    decided_ts: int
    limit: float = float("nan")
    stop: float = float("nan")
    trail: float = float("nan")
    entry_ts: int = 0
    touched: bool = False


@dataclass(frozen=True, slots=True)
class LegWanted:
    """An order in one contract that the strategy wants at the broker, at the market.

    Attributes
    ----------
    leg : int
        Number of the leg in its position.
    position_ts : int
        Bar of the decision that opened the position.
    side : int
        1 a purchase, -1 a sale.
    quantity : float
        Contracts.
    """

    role: Role
    rule: int
    leg: int
    position_ts: int
    symbol: str
    contract: Contract
    side: int
    quantity: float


@dataclass(frozen=True, slots=True)
class LegHeld:
    """A contract that is open: contracts below zero are short, `price` is the model's."""

    rule: int
    position_ts: int
    symbol: str
    contract: Contract
    quantity: float
    price: float


@dataclass(frozen=True, slots=True)
class OptionDecision:
    """What holds of options after the last closed bar.

    Attributes
    ----------
    closes, opens : tuple of LegWanted
        Bought back before sold, bought before sold.
    held : tuple of LegHeld
    value : float
        What is held is worth at the model's mid prices at the last close; synthetic.
    refused : tuple of (rule, reason)
        Positions that were to be opened and cannot be: ``"no_contract"``, ``"unaffordable"``,
        ``"contracts_unavailable"``.
    broken : tuple of (rule, position_ts)
        Positions of which a leg could not be had: nothing of them may stay.
    """

    closes: tuple[LegWanted, ...] = ()
    opens: tuple[LegWanted, ...] = ()
    held: tuple[LegHeld, ...] = ()
    value: float = 0.0
    refused: tuple[tuple[int, str], ...] = ()
    broken: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What holds after the last closed bar.

    Attributes
    ----------
    bar_ts : int
    now : tuple of Wanted
        Orders at the market: what closes comes before what opens.
    waiting : tuple of Wanted
        Orders that wait for their price.
    guards : tuple of Wanted
        Stop-losses and take-profits of what is held, where they lie now.
    refused : tuple of (rule, reason)
        Entries that were decided and cannot be sent.
    alerts : tuple of int
        Rules that gave an alert.
    alive : bool
        False where no equity is left.
    options : OptionDecision or None
        What holds of options, where the strategy trades them; they are part of the equity.
    """

    bar_ts: int
    position: float
    equity: float
    cash: float
    now: tuple[Wanted, ...] = ()
    waiting: tuple[Wanted, ...] = ()
    guards: tuple[Wanted, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    alerts: tuple[int, ...] = ()
    alive: bool = True
    options: OptionDecision | None = None
