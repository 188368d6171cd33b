"""Ways to get the rules wrong, each of which a directed case must notice.

A mutation replaces a piece of text that stands once in a module of the kernel. `rule` is the
number in the fill contract of docs/engine.md, or the chapter after it.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutation(NamedTuple):
    rule: str
    module: str
    old: str
    new: str
    wrong: str


CONTRACT = (
    # What is decided at a close acts from the next bar on.
    Mutation(
        "1", "kernel", "return Moment(bar.number, bar.ts, bar.open)",
        "return Moment(bar.number, bar.ts, bar.close)", "market orders fill at the close",
    ),
    Mutation(
        "1", "kernel", "if at.bar < bar.number and not run.terms.reference:", "if False:",
        "an order on the close is not in the account at that close",
    ),
    Mutation(
        "1", "tickets", "run.tickets[k].waiting = True", "run.tickets[k].waiting = False",
        "orders never wait",
    ),
    # Stops.
    Mutation(
        "2", "stops", "return low <= stop if side > 0", "return low < stop if side > 0",
        "a stop that is touched exactly does not sell",
    ),
    Mutation(
        "2", "stops", "return min(open_price, stop) if side > 0", "return stop if side > 0",
        "a gap past a stop fills at the stop",
    ),
    Mutation(
        "2", "stops", "else max(open_price, stop)", "else stop",
        "a gap past a stop that buys fills at the stop",
    ),
    # Limits.
    Mutation(
        "3", "stops", "return high >= take if side > 0", "return high > take if side > 0",
        "a limit that is touched exactly does not fill",
    ),
    Mutation(
        "3", "stops", "return max(open_price, take) if side > 0", "return take if side > 0",
        "a gap past a limit fills no better",
    ),
    Mutation(
        "3", "stops", "else min(open_price, take)", "else take",
        "a gap past a limit that buys fills no better",
    ),
    # Stop-limit orders.
    Mutation(
        "4", "touch", "return level, ON_THE_WAY_BACK if back else UNTOUCHED",
        "return level, ON_THE_WAY_BACK", "a limit before the stop fills in its bar",
    ),
    Mutation(
        "4", "touch", "return level, ON_THE_WAY_BACK if back else UNTOUCHED",
        "return level, UNTOUCHED", "a close beyond the limit tells nothing",
    ),
    Mutation(
        "4", "touch", "return price, AT_STOP\n", "return level, AT_STOP\n",
        "a triggered order pays its limit, not the stop",
    ),
    # Trailing stops.
    Mutation(
        "5", "fills", "    if lot.trail_kind != 0:\n        lot_follow",
        "    lot_see(lot, bar)\n    if lot.trail_kind != 0:\n        lot_follow",
        "a trailing stop follows the bar that it acts in",
    ),
    Mutation(
        "5", "fills", "nearer_stop(lot.side, lot.stop_loss, stop) != lot.stop_loss and not",
        "not", "a trailing stop goes back",
    ),
    Mutation(
        "5", "fills", "rule.trail_register, bar - 1)", "rule.trail_register, bar)",
        "a series is followed before its bar has closed",
    ),
    Mutation(
        "5", "tickets", "    if nearer and stop > 0.0:", "    if stop > 0.0:",
        "an entry at a trailing stop is pushed away again",
    ),
    Mutation(
        "5", "tickets", "extreme = bar.low if buys > 0 else bar.high", "extreme = bar.close",
        "an entry at a trailing stop follows closes",
    ),
    Mutation(
        "5", "waiting",
        "    price, how = ticket_touched(ticket, buys, ticket.limit, bar)\n"
        "    if how == UNTOUCHED:\n        ticket_follow(run, k, bar)\n",
        "    price, how = ticket_touched(ticket, buys, ticket.limit, bar)\n"
        "    if how == UNTOUCHED:\n",
        "an exit at a trailing stop stays where it was",
    ),
    # The order within a bar.
    Mutation(
        "6", "fills", "stopped = run.terms.reference or not first", "stopped = False",
        "the take-profit comes before the stop-loss",
    ),
    Mutation(
        "6", "fills", "stopped = run.terms.reference or not first", "stopped = True",
        "the stop-loss comes before an open beyond the take-profit",
    ),
    Mutation(
        "6", "fills", "        ambiguity_count(run, bar.number)", "        pass",
        "nobody is told of ambiguous bars",
    ),
    Mutation(
        "6", "waiting",
        "        waiting_check(run, bar, market_price, LEAVING_AT_STOPS, bar.number)\n"
        "    guards_check(run, bar)\n",
        "        pass\n    guards_check(run, bar)\n"
        "    waiting_check(run, bar, market_price, LEAVING_AT_STOPS, bar.number)\n",
        "guards come before exits at a stop",
    ),
    Mutation(
        "6", "waiting",
        "    guards_check(run, bar)\n    if at_limits:\n"
        "        waiting_check(run, bar, market_price, LEAVING_AT_LIMITS, bar.number)\n",
        "    if at_limits:\n"
        "        waiting_check(run, bar, market_price, LEAVING_AT_LIMITS, bar.number)\n"
        "    guards_check(run, bar)\n",
        "exits at a limit come before the guards",
    ),
    Mutation(
        "6", "waiting",
        "    at_stops, at_limits = exits_wait(run)\n",
        "    waiting_check(run, bar, market_price, ENTERING, bar.number)\n"
        "    at_stops, at_limits = exits_wait(run)\n",
        "entries come before the guards",
    ),
    Mutation(
        "6", "kernel",
        "        if run.order.active:\n            open_step(run, market, curves, bar)\n",
        "        if run.holding.lots > 0:\n            guards_check(run, bar)\n"
        "        if run.order.active:\n            open_step(run, market, curves, bar)\n",
        "guards come before what was decided",
    ),
    # Guards in the bar of the entry.
    Mutation(
        "7", "fills", "        if lot_quiet(lot, bar):",
        "        if lot.entry_bar == bar.number or lot_quiet(lot, bar):",
        "a position is not guarded in the bar of its entry",
    ),
    Mutation(
        "7", "waiting", "bar_after(bar, buys, price, how), doubtful)", "bar, doubtful)",
        "what came before a limit's fill counts after it",
    ),
    Mutation(
        "7", "waiting", "doubtful = how not in (AT_OPEN, AT_LIMIT)", "doubtful = False",
        "a stop-loss after a stop is taken for certain",
    ),
    # Money.
    Mutation(
        "8", "sizing", "return cost <= power + abs(power)", "return 0.0 <= abs(power)",
        "orders need no money",
    ),
    Mutation(
        "8", "sizing",
        "cost = quantity * deal.paid + commission(terms, side, quantity, deal.paid, percent)",
        "cost = quantity * deal.paid", "the commission need not be paid",
    ),
    Mutation(
        "8", "entries",
        "        counters.rejected_unaffordable += 1\n        return 0.0\n    return quantity",
        "        return lots_floor(terms, power / deal.paid)\n    return quantity",
        "an order that cannot be paid is made smaller",
    ),
    Mutation(
        "8", "decide", "equity < run.terms.maintenance * gross_at(run, close)", "False",
        "there are no margin calls",
    ),
    Mutation(
        "8", "kernel", "if equity <= 0.0:", "if equity < -1e300:", "nobody is ever ruined",
    ),
    Mutation(
        "8", "kernel", "left = 0.0 if run.terms.reference else run.account.balance", "left = 0.0",
        "a debt is forgiven",
    ),
    # The end.
    Mutation(
        "9", "kernel", "Moment(bar.number, bar.ts, bar.close), NO_RULE, END)",
        "Moment(bar.number, bar.ts, bar.open), NO_RULE, END)", "the end closes at the open",
    ),
    Mutation(
        "9", "kernel", "if run.terms.liquidate_at_end and run.holding.lots > 0:",
        "if run.holding.lots > 0:", "the end closes what it was told to leave",
    ),
    # Lots, ticks, least notional, volume.
    Mutation(
        "10", "sizing", "whole: float = np.floor(", "whole: float = np.rint(",
        "sizes are rounded up",
    ),
    Mutation(
        "10", "stops", "np.ceil(ticks) if direction > 0 else np.floor(ticks)",
        "np.floor(ticks) if direction > 0 else np.ceil(ticks)",
        "prices are rounded towards the market",
    ),
    Mutation(
        "10", "stops",
        "guard_price(rule.trail_kind, rule.trail_value, level, base, -rule.side)\n"
        "    return ticks_rounded(terms, price, -rule.side)",
        "guard_price(rule.trail_kind, rule.trail_value, level, base, -rule.side)\n"
        "    return price",
        "a trailing stop begins between two ticks",
    ),
    Mutation(
        "10", "entries", "if quantity * deal.paid < terms.min_notional:", "if False:",
        "entries may be worth nothing",
    ),
    Mutation(
        "10", "volume", "    holding.volume_used += granted\n", "",
        "each order has the volume of its bar for itself",
    ),
    Mutation(
        "10", "fills", "order.rest = quantity - granted", "order.rest = 0.0",
        "what volume leaves over of an exit is forgotten",
    ),
    Mutation(
        "10", "fills", "        lot.stop_loss = lot.side * np.inf\n", "        pass\n",
        "what volume leaves over of a stop-loss waits for the stop again",
    ),
    # What a fill keeps.
    Mutation(
        "11", "book", "fill.reference_price = at.price", "fill.reference_price = price",
        "the price before costs is lost",
    ),
    Mutation(
        "11", "book", "fill.slippage = quantity * abs(price - at.price)", "fill.slippage = 0.0",
        "slippage is not told",
    ),
    Mutation(
        "12", "kernel", "    run.counters.unfilled_at_end = run.order.active\n",
        "    if run.order.active:\n"
        "        order_fill(run, Moment(bar.number, bar.ts, bar.close))\n",
        "what is decided at the last close fills",
    ),
)  # fmt: skip
