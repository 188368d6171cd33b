"""Strategies that trade options in several ways, and the rows that a backtest's fills would be."""

from __future__ import annotations

from brokers.deployments.wanted import BookRow
from core.engine.result import ExitReason
from core.options.result import OptionExitReason
from strategies.selectors import template_graph

ENDS = {
    OptionExitReason.EXPIRED,
    OptionExitReason.ASSIGNED,
    OptionExitReason.EXERCISED,
    OptionExitReason.SETTLED,
}


def drawn(nodes, edges):
    def wire(source, target, port):
        node, _, output = source.partition(".")
        edge = {"source": node, "target": target, "target_port": port}
        return edge | ({"source_port": output} if output else {})

    return {
        "nodes": [{"id": i, "type": t, "params": p} for i, t, p in nodes],
        "edges": [wire(*edge) for edge in edges],
        "settings": {"sizing": {"type": "units", "value": 100}},
    }


CLOSE = ("close", "price", {})
AVERAGE = ("average", "indicator", {"name": "sma", "period": 5})
ABOVE = ("above", "condition", {"operator": "gt"})
BELOW = ("below", "condition", {"operator": "lt"})
ALWAYS = ("always", "condition", {"operator": "gt", "right": 0})
TREND = [
    ("close", "average", "source"),
    ("close", "above", "left"),
    ("average", "above", "right"),
    ("close", "below", "left"),
    ("average", "below", "right"),
    ("close", "always", "left"),
]


def graph(nodes, edges):
    return drawn([CLOSE, AVERAGE, ABOVE, BELOW, ALWAYS, *nodes], [*TREND, *edges])


SOON = {"dte": 10, "policy": "at_least"}
GRAPHS = {
    "puts, assigned shares sold": template_graph("cash_secured_put")[0],
    "condors, given up by profit, loss or days": graph(
        [
            (
                "condor",
                "action",
                {
                    "operation": "iron_condor",
                    "put_strike": {"by": "delta", "value": 0.3},
                    "call_strike": {"by": "otm_pct", "value": 0.03},
                    "width": {"strikes": 2},
                    "expiry": {"dte": 21, "policy": "nearest"},
                    "close_when": {"profit_pct": 0.3, "loss_pct": 0.6, "dte": 4},
                    "max_positions": 2,
                },
            )
        ],
        [("above", "condor", "when")],
    ),
    "straddles a loop buys, closed by a rule": graph(
        [
            ("weekly", "loop", {"every": 4, "max_iterations": 40}),
            (
                "straddle",
                "action",
                {"operation": "straddle", "side": "buy", "expiry": SOON, "max_positions": 2},
            ),
            ("done", "action", {"operation": "close_options"}),
        ],
        [
            ("above", "weekly", "when"),
            ("weekly", "straddle", "exec"),
            ("below", "done", "when"),
        ],
    ),
    "calls sold on shares that are called away": graph(
        [
            ("buy", "entry", {"side": "long"}),
            (
                "call",
                "action",
                {
                    "operation": "covered_call",
                    "strike": {"by": "atm", "offset": 1},
                    "expiry": {"dte": 5, "policy": "at_least"},
                },
            ),
        ],
        [("above", "buy", "when"), ("above", "call", "when")],
    ),
    "verticals, closed with all else": graph(
        [
            (
                "spread",
                "action",
                {
                    "operation": "vertical",
                    "right": "put",
                    "width": 5,
                    "expiry": "weekly",
                    "quantity": 3,
                    "max_positions": 3,
                    "close_when": {"profit_pct": 0.8},
                },
            ),
            ("out", "action", {"operation": "close"}),
        ],
        [("above", "spread", "when"), ("below", "out", "when")],
    ),
}
PARAMETERS = {"puts, assigned shares sold": {"days": 9, "trend": 5, "delta": 0.45}}


def rows_of(result, program, bars):
    """The backtest's fills, of options and of shares, as a deployment would have booked them."""
    rows = [_share_row(fill, program, bars) for fill in result.fills]
    opened = {}
    for fill in result.option_fills:
        position, reason = int(fill["position"]), OptionExitReason(int(fill["reason"]))
        bar = int(fill["bar"])
        first = opened.setdefault(position, bar)
        opens = bar == first and reason == OptionExitReason.SIGNAL
        kind = "leg_open" if opens else "settled" if reason in ENDS else "leg_close"
        rows.append(
            BookRow(
                kind=kind,
                bar_ts=int(bars.ts[bar]),
                decided_ts=int(bars.ts[first - 1]),
                rule=int(fill["rule"]),
                side=int(fill["side"]),
                quantity=float(fill["quantity"]),
                price=float(fill["price"]),
                commission=float(fill["commission"]),
                reason=int(reason),
                symbol=str(fill["symbol"]),
            )
        )
    return sorted(rows, key=lambda row: row.bar_ts)


def _share_row(fill, program, bars):
    bar, rule, reason = int(fill["bar"]), int(fill["rule"]), ExitReason(int(fill["reason"]))
    kind = "exit"
    if rule < 0 and reason == ExitReason.SIGNAL:
        kind = "delivery"
    elif rule >= 0 and program.rules[rule].operation.name.startswith("OPEN"):
        kind = "entry"
    return BookRow(
        kind=kind,
        bar_ts=int(bars.ts[bar]),
        decided_ts=int(bars.ts[bar - 1]),
        rule=max(rule, 0),
        side=int(fill["side"]),
        quantity=float(fill["quantity"]),
        price=float(fill["price"]),
        commission=float(fill["commission"]),
        reason=int(reason),
        entry_ts=int(bars.ts[bar]),
    )
