"""Ways to get finer bars, splits and dividends wrong; see `mutations`."""

from __future__ import annotations

from tests.engine.mutations import Mutation

INSIDE = (
    # Finer bars inside of bars.
    Mutation(
        "detail", "inside", "for row in range(first, stop + missing):",
        "for row in range(first, min(stop, first + 1) + missing):", "the first finer bar is all",
    ),
    Mutation(
        "detail", "inside", "run.counters.without_detail += missing", "pass",
        "nobody is told of bars without finer ones",
    ),
    Mutation(
        "detail", "inside", "        market.ts[row],\n",
        "        market.ts[fine.firsts[number]],\n",
        "fills have the time of the first finer bar",
    ),
    Mutation(
        "detail", "inside", "run.holding.finer = row - first", "run.holding.finer = 0",
        "a limit that a later finer bar gaps past has not rested",
    ),
    Mutation(
        "detail", "inside", "            orders_check(run, finer, finer.open)\n",
        "            orders_check(run, bar, finer.open)\n", "orders see the whole bar",
    ),
    # Splits.
    Mutation(
        "actions", "splitting", "    lot.quantity *= ratio\n", "    lot.quantity /= ratio\n",
        "a split goes the other way",
    ),
    Mutation(
        "actions", "splitting", "    lot.entry_price /= ratio\n", "", "entries keep their price",
    ),
    Mutation(
        "actions", "splitting", "    lot.highest /= ratio\n", "",
        "the best price so far stays in old units",
    ),
    Mutation(
        "actions", "splitting", "    lot.lowest /= ratio\n", "    lot.lowest /= ratio * ratio\n",
        "the worst price so far is split twice",
    ),
    Mutation(
        "actions", "splitting", "lot.stop_loss = ticks_rounded(terms, lot.stop_loss / ratio,",
        "lot.stop_loss = ticks_rounded(terms, lot.stop_loss,", "stops stay where they were",
    ),
    Mutation(
        "actions", "splitting", "lot.stop_loss / ratio, -lot.side)",
        "lot.stop_loss / ratio, lot.side)",
        "stops are rounded towards the market",
    ),
    Mutation(
        "actions", "splitting", "lot.take_profit / ratio", "lot.take_profit",
        "take-profits stay where they were",
    ),
    Mutation(
        "actions", "splitting", "    if lot.trail_kind != _PERCENT:\n", "    if True:\n",
        "a trailing stop by a fraction comes nearer",
    ),
    Mutation(
        "actions", "splitting", "        lot.trail /= ratio\n", "        pass\n",
        "a trailing stop by a distance keeps it",
    ),
    Mutation(
        "actions", "splitting", "ticket.limit / ratio", "ticket.limit",
        "limits stay where they were",
    ),
    Mutation(
        "actions", "splitting", "ticket.stop / ratio", "ticket.stop", "orders at stops stay",
    ),
    Mutation(
        "actions", "splitting", "    ticket.stop_level /= ratio\n", "",
        "guards of an order for the open stay in old units",
    ),
    Mutation(
        "actions", "splitting", "    run.order.rest *= ratio\n", "",
        "what volume left of an exit stays in old units",
    ),
    Mutation(
        "actions", "fills", "            stop /= run.holding.split\n", "            pass\n",
        "a series of the close before is read in new units",
    ),
    # Fractions.
    Mutation(
        "actions", "splitting", "step = min(run.terms.lot_size, _UNIT)", "step = 10.0 * _UNIT",
        "tens of units are fractions",
    ),
    Mutation(
        "actions", "splitting", "return whole, fraction if fraction > slip * step else 0.0",
        "return whole, fraction", "a rounding is paid in cash",
    ),
    Mutation(
        "actions", "splitting", "np.floor(units + slip)", "np.floor(units)",
        "a unit short of a rounding is paid in cash",
    ),
    Mutation(
        "actions", "kernel", "if stretch.split != 1.0 and run.terms.lot_size > 0.0:",
        "if stretch.split != 1.0:", "fractional units are paid in cash",
    ),
    Mutation(
        "actions", "splitting", "            fill.commission = 0.0\n", "",
        "cash for fractions costs a commission",
    ),
    # Dividends.
    Mutation(
        "actions", "splitting", "paid = run.holding.position * dividend",
        "paid = abs(run.holding.position) * dividend", "short positions earn dividends",
    ),
    Mutation(
        "actions", "kernel", "    dividend_pay(run, stretch.dividend)\n",
        "    dividend_pay(run, stretch.dividend * stretch.split)\n",
        "a dividend is for a unit before the split",
    ),
    # At the close before.
    Mutation(
        "actions", "kernel", "        run.order.early = bar.number\n", "        pass\n",
        "what filled at the close before fills, or is marked, once more",
    ),
    Mutation(
        "actions", "kernel", "run.order.active and run.order.forced == 0:", "run.order.active:",
        "a liquidation comes before the split",
    ),
)  # fmt: skip
