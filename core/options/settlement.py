"""The end of options: expiry, exercise, assignment.

At the close of the session an option expires in, it is exercised if it is in the money by 0.01 or
more, as the Options Clearing Corporation does by itself. Short options are assigned first, since
they have no choice; then long ones are exercised, if the account can carry the shares: otherwise
they are sold at their intrinsic value at that close, as a broker would.

A short American call is assigned before its expiry if its holder gains by it: on the last session
before a dividend that is greater than the call's time value.
"""

from __future__ import annotations

from typing import Any, Final

from core.options.contract import IN_THE_MONEY
from core.options.desk import Desk
from core.options.machine import At
from core.options.result import OptionExitReason

_SLACK: Final = 1e-9
_ENDS: Final = (
    OptionExitReason.EXPIRED,
    OptionExitReason.ASSIGNED,
    OptionExitReason.EXERCISED,
    OptionExitReason.SETTLED,
)


class Settlement:
    """Settles what is over at a close.

    Attributes
    ----------
    counters : dict
        How many legs ended in which way.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.machine = desk.machine
        self.physical = desk.config.settlement == "physical"
        self.counters = dict.fromkeys(map(_counter, _ENDS), 0)

    def settle(self, at: At) -> None:
        """Settle every leg that is over at this close, and have shares sold that cannot stay."""
        chain = self.machine.world.chain
        tomorrow, dividend = int(chain.next_day[at.bar]), float(chain.dividend[at.bar])
        before = float(self.machine.holding["position"])
        legs = self.machine.legs.copy()
        for leg in sorted(legs, key=lambda one: (one["quantity"] > 0.0, one["expiry"])):
            if leg["expiry"] < tomorrow:
                self._expire(leg, at)
            elif dividend > 0.0 and self._called_early(leg, at.spot, dividend):
                self._deliver(leg, at, OptionExitReason.ASSIGNED)
        if float(self.machine.holding["position"]) != before:
            self._shares_check(at.spot)

    def _expire(self, leg: Any, at: At) -> None:
        inside = float(leg["right"] * (at.spot - leg["strike"]))
        if inside < IN_THE_MONEY - _SLACK:
            self._end(leg, at, OptionExitReason.EXPIRED, price=0.0)
        elif not self.physical:
            self._end(leg, at, OptionExitReason.SETTLED, price=inside)
        elif leg["quantity"] < 0.0:
            self._deliver(leg, at, OptionExitReason.ASSIGNED)
        elif self._can_carry(leg, at.spot, inside):
            self._deliver(leg, at, OptionExitReason.EXERCISED)
        else:
            self._end(leg, at, OptionExitReason.SETTLED, price=inside)

    def _called_early(self, leg: Any, spot: float, dividend: float) -> bool:
        american = bool(self.machine.world.book.terms["american"][0])
        inside = spot - float(leg["strike"])
        short_call = leg["right"] > 0 and leg["quantity"] < 0.0
        return bool(
            american
            and self.physical
            and short_call
            and inside >= IN_THE_MONEY
            and dividend > float(leg["price"]) - inside
        )

    def _can_carry(self, leg: Any, spot: float, inside: float) -> bool:
        """Whether the account can pay for the shares that exercising brings."""
        terms = self.machine.world.book.terms[0]
        held = float(self.machine.holding["position"])
        after = held + self._shares(leg)
        if abs(after) <= abs(held):
            return True
        free = self.machine.free(spot, shares=after, rate=float(terms["opening_rate"]))
        # The option is still among those open: what it is worth turns into shares.
        free += float(leg["quantity"] * terms["multiplier"]) * inside
        return free >= -_SLACK * abs(self.machine.equity(spot))

    def _deliver(self, leg: Any, at: At, reason: OptionExitReason) -> None:
        self._end(leg, at, reason, price=0.0)
        self.machine.shares_deliver(at.bar, shares=self._shares(leg), price=float(leg["strike"]))

    def _end(self, leg: Any, at: At, reason: OptionExitReason, *, price: float) -> None:
        self.desk.leg_close(leg, at, int(reason), price=price)
        self.counters[_counter(reason)] += 1

    def _shares(self, leg: Any) -> float:
        """Return the shares that come in, those that go out below zero."""
        return float(leg["quantity"] * leg["right"]) * self.desk.config.multiplier

    def _shares_check(self, spot: float) -> None:
        """Have the engine sell all shares at the next open where the account cannot carry them."""
        held = abs(float(self.machine.holding["position"]))
        rate = float(self.machine.world.book.terms["carrying_rate"][0])
        equity = self.machine.equity(spot)
        own = equity - float(self.machine.desk["value"])
        if own - held * spot * rate < -_SLACK * abs(equity):
            self.machine.desk["call_shares"] = True


def _counter(reason: OptionExitReason) -> str:
    """Return the name of a counter: the engine counts orders that expire, too."""
    return f"option_{reason.label}"
