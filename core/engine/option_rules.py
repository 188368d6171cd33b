"""Option rules of a program: what is traded, by strikes and expiries that are found at a decision.

They are data only. `core.options` runs them; the engine refuses a program that has any, for it
knows one instrument, and options are many.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Right(IntEnum):
    """What the holder of an option may do; as a factor, which way it pays."""

    CALL = 1
    PUT = -1


class StrikeBy(IntEnum):
    """How a strike is found from `Strike.value`, from the close of the decision."""

    ATM = 1
    """The listed strike nearest to the close, and `value` strikes up from it; down if negative."""
    DELTA = 2
    """The listed strike whose delta, without its sign, is nearest to `value`."""
    OTM = 3
    """The listed strike nearest to the fraction `value` out of the money: above the close for a
    call, below it for a put; in the money if negative."""
    PREMIUM = 4
    """The listed strike whose price for one share is nearest to `value`."""
    EXACT = 5
    """`value` itself."""
    LEG_STRIKES = 6
    """`value` listed strikes up from the strike of leg `leg`."""
    LEG_WIDTH = 7
    """The listed strike nearest to the strike of leg `leg` plus `value`."""


@dataclass(frozen=True, slots=True)
class Strike:
    """Which strike; `leg` is an earlier one of the same rule."""

    by: StrikeBy = StrikeBy.ATM
    value: float = 0.0
    leg: int = -1


class Cycle(IntEnum):
    """Which expiries are looked at."""

    ANY = 0
    WEEKLY = 1
    MONTHLY = 2
    """Third Fridays."""


class Policy(IntEnum):
    """Which of the expiries is taken for a number of days."""

    NEAREST = 0
    """The nearest one; of two as near the earlier."""
    AT_LEAST = 1
    """The first one that is not sooner."""
    AT_MOST = 2
    """The last one that is not later."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Which expiry, by calendar days from the decision, or the one of a date.

    Attributes
    ----------
    days : int
        Calendar days from the session of the decision.
    policy, cycle : Policy, Cycle
    date : int
        Days from 1970-01-01; -1 leaves the choice to the others.
    """

    days: int = 30
    policy: Policy = Policy.NEAREST
    cycle: Cycle = Cycle.ANY
    date: int = -1


@dataclass(frozen=True, slots=True)
class OptionLeg:
    """One contract of an option order.

    Attributes
    ----------
    right : Right
    side : int
        1 buys, -1 sells.
    ratio : int
        Contracts for each unit of the rule's quantity.
    strike, expiry : Strike, Expiry
    """

    right: Right
    side: int
    ratio: int = 1
    strike: Strike = Strike()
    expiry: Expiry = Expiry()


@dataclass(frozen=True, slots=True)
class CloseWhen:
    """At which close a position is given up, to be filled at the next open; None: not by this.

    Attributes
    ----------
    profit, loss : float or None
        Gain and loss at mid prices, as fractions of the premium paid or received.
    days : int or None
        Calendar days to the earliest expiry of its legs, or fewer.
    """

    profit: float | None = None
    loss: float | None = None
    days: int | None = None


class OptionOperation(IntEnum):
    """What an option rule does."""

    OPEN = 1
    CLOSE = 2
    """Closes every option position; the rest of the rule is not read."""


@dataclass(frozen=True, slots=True)
class OptionRule:
    """One option position the strategy opens, or the closing of all of them.

    Attributes
    ----------
    operation : OptionOperation
    trigger, guard : int
        As of `program.Rule`.
    name : str
        What a report calls the position, such as "iron_condor".
    legs : tuple of OptionLeg
    quantity : int
        Contracts of a leg whose ratio is 1.
    close_when : CloseWhen
    secured : bool
        Its short puts are secured by their strikes in cash and its short calls by shares,
        whatever less the margin of the account asks for.
    max_positions : int
        How many positions of this rule may be open at once.
    source : str
        Id of the graph node this rule came from.
    """

    operation: OptionOperation
    trigger: int
    name: str = ""
    legs: tuple[OptionLeg, ...] = ()
    quantity: int = 1
    close_when: CloseWhen = CloseWhen()
    secured: bool = False
    max_positions: int = 1
    guard: int = -1
    source: str = ""
