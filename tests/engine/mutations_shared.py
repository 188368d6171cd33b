"""Ways to get wrong what docs/engine.md says of portfolios."""

from __future__ import annotations

from tests.engine.mutations import Mutation

SHARED = (
    # The order of service.
    Mutation(
        "portfolio", "portfolio_kernel", "if order.entry_rule >= 0 and order.forced == 0:",
        "if False:", "entries fill among the exits, in the order of symbols",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "exit_next = turn < exits",
        "exit_next = turn >= ranked.size", "entries fill before exits",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "    heap_make(ranked, ranked.size, agenda.standing)\n",
        "", "entries fill in the order in which they were found",
    ),
    Mutation(
        "portfolio", "ranking", "return first > second or (first == second and one < other)",
        "return first < second or (first == second and one < other)", "the worst rank goes first",
    ),
    Mutation(
        "portfolio", "ranking", "(first == second and one < other)",
        "(first == second and one > other)", "equal ranks go by symbol from behind",
    ),
    Mutation(
        "portfolio", "ranking", "return -np.inf if np.isnan(rank) else rank",
        "return np.inf if np.isnan(rank) else rank", "an unknown rank is the best",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "    heap_make(agenda.queue, waiting, agenda.standing)\n",
        "", "orders that wait are looked at in the order of symbols",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "        if holding.waiting > 0:\n            agenda",
        "        if holding.waiting > 0 and holding.lots == 0:\n            agenda",
        "what waits for a held instrument is not looked at",
    ),
    # What they share.
    Mutation(
        "portfolio", "sharing", "account.others_profit = account.profit - holding.profit",
        "account.others_profit = 0.0", "an order knows the profits of its instrument alone",
    ),
    Mutation(
        "portfolio", "sharing", "account.others_gross = account.gross - holding.gross",
        "account.others_gross = 0.0", "money in other instruments is spent twice",
    ),
    Mutation(
        "portfolio", "sharing",
        "    holding_mark(run.holding, run.fills[account.fills - 1].reference_price)\n", "",
        "what an order made of its position is not in the sums for the next one",
    ),
    Mutation(
        "portfolio", "portfolio_kernel",
        "                holding_mark(holding, field.market.open[agenda.rows[place]])\n",
        "                pass\n", "orders are sized by the closes of the day before",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "    run = run_at(field, number)\n"
        "    fills = run.account.fills\n    others_set(run)\n",
        "    run = run_at(field, number)\n    fills = run.account.fills\n",
        "an order at an open does not look at the others",
    ),
    Mutation(
        "portfolio", "portfolio_kernel",
        "bar, fills = bar_at(field.market, run.holding.row), run.account.fills\n"
        "    others_set(run)\n",
        "bar, fills = bar_at(field.market, run.holding.row), run.account.fills\n",
        "an order that waited does not look at the others",
    ),
    # Rotation.
    Mutation(
        "portfolio", "portfolio_kernel", "        positions_rotate(field)\n", "        pass\n",
        "nothing makes room for a better instrument",
    ),
    Mutation(
        "portfolio", "portfolio_kernel",
        "if enters or (tables.holding[number].lots > 0 and not leaves):",
        "if enters or tables.holding[number].lots > 0:",
        "a position that leaves anyway takes a place",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "            tickets_cancel(run, run.holding.row + 1)\n",
        "", "rotation leaves orders waiting",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "leaves = leaves or order.forced != 0",
        "leaves = leaves or False", "rotation comes before the margin",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "not enters and order.fraction >= 1.0", "not enters",
        "a position that is halved takes no place",
    ),
    # Time.
    Mutation(
        "portfolio", "portfolio_kernel", "if row < agenda.firsts[number] or not decides",
        "if not decides", "instruments decide before their warm-up is over",
    ),
    Mutation(
        "portfolio", "portfolio_kernel",
        "            holding_mark(holding, field.market.close[row])\n", "",
        "positions are not marked at the close",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "at = Moment(holding.row, now, holding.price)",
        "at = Moment(holding.row, field.market.ts[holding.row], holding.price)",
        "at the end a position is closed when its history ended",
    ),
    Mutation(
        "portfolio", "portfolio_kernel",
        "            if field.market.ts[holding.row] == now:\n                field.curves",
        "            if True:\n                field.curves",
        "what was held at the close of an earlier bar was not",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "if equity <= 0.0:", "if equity < -1e300:",
        "an account without equity goes on",
    ),
    # Finer bars.
    Mutation(
        "portfolio", "portfolio_kernel",
        "                bar_replay(run, field.fine, bar_at(field.market, row))\n",
        "                guards_check(run, bar_at(field.market, row))\n",
        "positions are guarded by whole bars",
    ),
    Mutation(
        "portfolio", "portfolio_kernel", "        bar_replay(run, field.fine, bar)\n",
        "        orders_check(run, bar, bar.open)\n", "orders wait for whole bars",
    ),
    # Nights, splits and dividends.
    Mutation(
        "portfolio", "portfolio_kernel", "market, field.curves, row, _NO_DEBT)",
        "market, field.curves, row, field.curves.cash[moment - 1])",
        "each instrument pays for the money the account owes",
    ),
    Mutation(
        "portfolio", "portfolio_kernel",
        "        run, split = run_at(field, acts.owners[place]), acts.splits[place]",
        "        run, split = run_at(field, 0), acts.splits[place]",
        "a split happens to the first instrument",
    ),
)  # fmt: skip
