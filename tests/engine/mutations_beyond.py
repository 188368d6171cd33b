"""Ways to get wrong what docs/engine.md says beyond the fill contract."""

from __future__ import annotations

from tests.engine.mutations import Mutation

BEYOND = (
    # Settled, because users ask.
    Mutation(
        "settled", "entries", "if holding.position * rule.side < 0.0 and terms.exclusive:",
        "if holding.position * rule.side < 0.0:", "exclusive: false reverses",
    ),
    Mutation(
        "settled", "decide", "plan.rules[entry].side == side:", "plan.rules[entry].side != side:",
        "an exit goes before an entry from flat",
    ),
    Mutation(
        "settled", "decide", "elif order.entry_rule < 0:", "else:", "the last entry wins",
    ),
    Mutation(
        "settled", "decide", "elif rule.fraction > order.fraction:", "else:",
        "the last exit wins",
    ),
    Mutation(
        "settled", "book", "        held = run.lots[0].quantity\n",
        "        held = run.lots[run.holding.lots - 1].quantity\n", "lots close by the wrong size",
    ),
    Mutation(
        "settled", "book", "lot_close(run, fill, _OLDEST, part)",
        "lot_close(run, fill, run.holding.lots - 1, part)", "the newest entry closes first",
    ),
    Mutation(
        "settled", "fills", "max(1.0, np.rint(quantity / lot_size))",
        "np.rint(quantity / lot_size)", "a partial exit may close nothing",
    ),
    Mutation(
        "settled", "entries", "base = ticket.base if terms.reference else paid",
        "base = ticket.base", "percent guards are measured from the decision",
    ),
    Mutation(
        "settled", "tickets", "level_read(run, rule.stop_row, rule.stop_register, ticket.bar)",
        "level_read(run, rule.stop_row, rule.stop_register, ticket.bar + 1)",
        "a guard's series is read at the fill",
    ),
    Mutation(
        "settled", "stops",
        "stop = stop_loss_price(terms, rule, ticket.stop_level, base)\n"
        "        if not (0.0 < stop < np.inf and (paid - stop) * side > 0.0):\n"
        "            return False",
        "pass", "an entry is sent without its stop-loss",
    ),
    Mutation(
        "settled", "stops",
        "stop = trailing_stop_price(terms, rule, ticket.trail_level, base)\n"
        "        if not (0.0 < stop < np.inf and (paid - stop) * side > 0.0):\n"
        "            return False",
        "pass", "an entry is sent without its trailing stop",
    ),
    Mutation(
        "settled", "stops",
        "take = take_profit_price(terms, rule, ticket.take_level, base)\n"
        "        if not (0.0 < take < np.inf and (take - paid) * side > 0.0):\n"
        "            return False",
        "pass", "an entry is sent without its take-profit",
    ),
    Mutation(
        "settled", "tickets", "expired = bar - ticket.bar > rule.bars",
        "expired = bar - ticket.bar >= rule.bars", "orders expire a bar early",
    ),
    Mutation(
        "settled", "tickets", "series[row, bar] != series[row, ticket.bar + 1]",
        "series[row, bar] != series[row, ticket.bar]",
        "an order is for the session of its decision",
    ),
    Mutation(
        "settled", "tickets", "run.tickets[k].waiting and run.tickets[k].bar < bar:",
        "run.tickets[k].waiting:", "a new order is cancelled with the old ones",
    ),
    Mutation(
        "settled", "waiting", "if holding.position * buys >= 0.0:", "if False:",
        "an exit outlives its position",
    ),
    Mutation(
        "settled", "waiting",
        "if holding.position * buys > 0.0 and holding.lots >= rule.max_entries:", "if False:",
        "an order that waited adds to a full position",
    ),
    Mutation(
        "settled", "decide", "run.holding.lots < rule.max_entries:",
        "run.holding.lots <= rule.max_entries:", "there is an entry too many",
    ),
    Mutation(
        "settled", "fills", "bar.number - lot.entry_bar >= lot.max_bars",
        "bar.number - lot.entry_bar > lot.max_bars", "a time stop is a bar late",
    ),
    # What depends on the position.
    Mutation(
        "code", "code_memory", "too_soon = cells[first + 1] < every",
        "too_soon = cells[first + 1] <= every", "a loop runs a bar late",
    ),
    Mutation(
        "code", "code_memory", "if elapsed >= bars and", "if elapsed > bars and",
        "a wait ends a bar late",
    ),
    Mutation(
        "code", "code_memory", "elif strict or left != right:", "elif True:",
        "a touch ends a crossing",
    ),
    # Sizes.
    Mutation(
        "sizes", "book", "equity: float = others + (price * holding.position - holding.basis)",
        "equity: float = others", "an entry is sized without the open profit",
    ),
    Mutation(
        "sizes", "sizing", "risk = (paid - stop) * rule.side",
        "risk = (run.tickets[k].base - stop) * rule.side",
        "risk is measured from the decision, not from the fill",
    ),
    Mutation(
        "sizes", "sizing", "run.plan.series[rule.size_row, run.tickets[k].bar]",
        "run.plan.series[rule.size_row, run.tickets[k].bar + 1]",
        "volatility is that of the bar of the fill",
    ),
    Mutation(
        "sizes", "own_trades", "share -= (1.0 - share) / payoff", "share -= (1.0 - share)",
        "Kelly's criterion takes no account of the payoff",
    ),
    # Costs.
    Mutation(
        "costs", "costs",
        "    fee = min(max(fee, terms.fee_minimum), terms.fee_maximum)\n"
        "    if terms.fee_bounded:\n"
        "        fee = min(fee, quantity * price * terms.fee_maximum_percent)\n",
        "    if terms.fee_bounded:\n"
        "        fee = min(fee, quantity * price * terms.fee_maximum_percent)\n"
        "    fee = min(max(fee, terms.fee_minimum), terms.fee_maximum)\n",
        "the minimum is stronger than the most by notional",
    ),
    Mutation(
        "costs", "costs", "max(fee, terms.fee_minimum)", "fee", "there is no least commission",
    ),
    Mutation(
        "costs", "costs", "return reference_price * (1.0 - side * slippage)",
        "return reference_price * (1.0 + side * slippage)", "an exit gains by its slippage",
    ),
    Mutation(
        "costs", "costs", "return limit / (1.0 + buys * terms.spread)", "return limit",
        "a limit order does not wait for its spread",
    ),
    Mutation(
        "costs", "fills",
        "slippage = 0.0 if reason == TAKE_PROFIT else slippage_of(run, bar.number, quantity)",
        "slippage = slippage_of(run, bar.number, quantity)", "a take-profit slips",
    ),
    Mutation(
        "costs", "book", "exit_fee = fill.commission * (quantity / fill.quantity)",
        "exit_fee = fill.commission", "each lot pays the whole commission of an order",
    ),
    Mutation(
        "costs", "waiting", "at_once = how == AT_OPEN and bar == run.tickets[k].bar + 1",
        "at_once = False", "what takes at the next open pays as maker",
    ),
    Mutation(
        "costs", "costs", "    if side > 0:\n        return price * terms.levy_buy",
        "    if side < 0:\n        return price * terms.levy_buy", "levies are on the wrong side",
    ),
    Mutation(
        "costs", "slippage", "moved = terms.impact * share * share", "moved = terms.impact * share",
        "the impact of an order grows with its share, not with the square",
    ),
    Mutation(
        "costs", "carrying", "max(-curves.position[before], 0.0)",
        "max(curves.position[before], 0.0)", "long positions borrow shares",
    ),
    Mutation(
        "costs", "carrying", "run.terms.financing * nights", "run.terms.financing",
        "a weekend is one night",
    ),
    # The reference profile.
    Mutation(
        "reference", "kernel", "    at = order_moment(market, run.terms, bar)\n    if run.holding",
        "    at = Moment(bar.number, bar.ts, bar.close)\n    if run.holding",
        "the reference closes at the last close",
    ),
    Mutation(
        "reference", "touch", "return take_fill_price(-buys, limit, stop), AT_LIMIT if beyond",
        "return take_fill_price(-buys, limit, bar.open), AT_LIMIT if beyond",
        "the reference fills a stop-limit at the open",
    ),
    Mutation(
        "reference", "waiting", "if pure_stop and taken and not stopped:", "if pure_stop:",
        "the reference guards every stop entry in its bar",
    ),
    Mutation(
        "reference", "sizing", "min(rule.size_value, _ALMOST_ONE)", "rule.size_value",
        "the reference puts in all its equity",
    ),
    Mutation(
        "reference", "decide", "        order.exit_rule = entry if side != 0 else -1\n",
        "        order.exit_rule = -1\n",
        "the reference keeps its position while an entry waits",
    ),
)  # fmt: skip
