"""At which close an option position is given up."""

from __future__ import annotations

from typing import Final

from core.engine.jit import inlined, outlined
from core.options.result import OptionExitReason
from core.options.state import Book

_PROFIT: Final = int(OptionExitReason.PROFIT)
_LOSS: Final = int(OptionExitReason.LOSS)
_DAYS: Final = int(OptionExitReason.DAYS)
_SLACK: Final = 1e-12
_FAR: Final = 1 << 40


@outlined
def conditions_check(book: Book, day: int) -> None:
    """Mark the positions whose profit, loss or days to expiry say that they are to be closed.

    Profit is what has flowed so far and what closing at mid prices would bring, against the premium
    of the opening fills; commissions are left out of both.
    """
    desk = book.desk[0]
    if desk.legs == 0:
        return
    for p in range(book.positions.size):
        position = book.positions[p]
        if position.rule >= 0 and position.closing == 0:
            position.closing = _reason(book, p, day)
        if position.rule >= 0 and position.closing != 0:
            desk.to_close = True


@inlined
def _reason(book: Book, p: int, day: int) -> int:
    """Return why position `p` is to be closed, 0 if it is not."""
    position, multiplier = book.positions[p], book.terms[0].multiplier
    gain = position.flow
    soonest = _FAR
    for k in range(book.desk[0].legs):
        leg = book.legs[k]
        if leg.position == p:
            gain += leg.quantity * leg.price * multiplier
            soonest = min(soonest, leg.expiry)
    slack = _SLACK * position.base
    if position.base > 0.0 and gain >= position.profit * position.base - slack:
        return _PROFIT
    if position.base > 0.0 and gain <= -position.loss * position.base + slack:
        return _LOSS
    if position.days >= 0 and soonest - day <= position.days:
        return _DAYS
    return 0
