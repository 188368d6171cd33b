"""What a position costs over night: the fee for borrowed shares, interest on borrowed money."""

from __future__ import annotations

from core.engine.jit import inlined, outlined
from core.engine.state import Curves, Market, Run

_DAY_NS = 86_400_000_000_000


@outlined
def carrying_pay(run: Run, market: Market, curves: Curves, index: int, cash: float) -> None:
    """Pay for the days between a bar and the one before, at whose close the account held `cash`.

    Days are those of UTC at which bars open, so that what is closed on its first day pays nothing.
    """
    before = index - 1
    nights = nights_between(market.ts[before], market.ts[index])
    if nights <= 0:
        return
    short = max(-curves.position[before], 0.0) * market.close[before]
    borrow = short * run.terms.borrow * nights
    financing = max(-cash, 0.0) * run.terms.financing * nights
    run.account.balance -= borrow + financing
    run.holding.earned -= borrow
    run.counters.borrow_paid += borrow
    run.counters.financing_paid += financing


@inlined
def nights_between(before: int, now: int) -> int:
    """Return how many days of UTC lie between two times in nanoseconds."""
    return now // _DAY_NS - before // _DAY_NS
