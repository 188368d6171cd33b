"""How much of a bar's volume an order may take (rule 10)."""

from __future__ import annotations

from core.engine.jit import inlined
from core.engine.sizing import lots_floor
from core.engine.state import Run


@inlined
def volume_take(run: Run, bar: int, quantity: float) -> float:
    """Return how much of `quantity` fills in `bar`, and take it from what is left of its share.

    Whole lots, unless all of it fills. All orders of a bar share what `participation` leaves them.
    """
    terms, holding = run.terms, run.holding
    if terms.participation == 0.0:
        return quantity
    if holding.volume_bar != bar:
        holding.volume_bar = bar
        holding.volume_used = 0.0
    left = terms.participation * run.plan.series[run.plan.volume_row, bar] - holding.volume_used
    granted = quantity if quantity <= left else max(lots_floor(terms, left), 0.0)
    holding.volume_used += granted
    return granted
