"""The live decision against the engine: the same bars and fills, the same state and orders."""

from __future__ import annotations

import numpy as np
import pytest

from brokers.deployments.decision import decide
from brokers.deployments.wanted import BookRow, Role
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Operation
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_parse
from strategies.selectors import template_graph

GUARDS = (ExitReason.STOP_LOSS, ExitReason.TAKE_PROFIT, ExitReason.TRAILING_STOP)


def bars_random(length, *, seed=3):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, length)))
    opened = np.roll(close, 1) * np.exp(rng.normal(0, 0.004, length))
    opened[0] = close[0]
    spread = np.abs(rng.normal(0, 0.01, (2, length))) + 0.001
    high = np.maximum(opened, close) * (1 + spread[0])
    low = np.minimum(opened, close) * (1 - spread[1])
    volume = rng.lognormal(10, 0.8, length)
    ts = np.datetime64("2020-01-01", "ns").astype(np.int64) + np.arange(length) * 86_400 * 10**9
    return Bars.from_arrays(ts=ts, open=opened, high=high, low=low, close=close, volume=volume)


def book_of(result, program, bars):
    """The backtest's fills as a deployment would have booked them."""
    rows = []
    entered = {
        (int(t["exit_bar"]), int(t["entry_rule"])): int(t["entry_bar"]) for t in result.trades
    }
    for fill in result.fills:
        bar, rule, reason = int(fill["bar"]), int(fill["rule"]), ExitReason(int(fill["reason"]))
        opens = rule >= 0 and program.rules[rule].operation in (
            Operation.OPEN_LONG,
            Operation.OPEN_SHORT,
        )
        kind = "exit"
        entry_bar = bar
        if reason in GUARDS:
            kind, entry_bar = "guard", entered[bar, rule]
        elif reason == ExitReason.SIGNAL and opens:
            kind = "entry"
        rows.append(
            BookRow(
                kind=kind,
                bar_ts=int(bars.ts[bar]),
                decided_ts=int(bars.ts[bar - 1]),
                rule=max(rule, 0),
                side=int(fill["side"]),
                quantity=float(fill["quantity"]),
                price=float(fill["price"]),
                commission=float(fill["commission"]),
                reason=int(fill["reason"]),
                entry_ts=int(bars.ts[entry_bar]),
            )
        )
    return rows


def plan_of(graph, parameters=None):
    return graph_compile(graph_parse(graph), parameters or {})


CONFIG = RunConfig.from_mapping(
    {
        "cash": 50_000,
        "commission": {"percent": 0.001},
        "slippage": {"bps": 3},
        "liquidate_at_end": False,
        "tick_size": 0.01,
    }
)
TEMPLATES = ["sma_cross", "ema_cross", "rsi", "macd", "bollinger_reversion", "donchian_breakout"]
TEMPLATES += ["supertrend", "buy_and_hold", "dca", "la_bomba"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_state_and_orders_are_the_backtests_bar_by_bar(template):
    bars = bars_random(700)
    plan = plan_of(template_graph(template)[0])
    whole = plan_evaluate(plan, bars, charts=False)
    result = simulate(bars, whole.columns, whole.program, CONFIG)
    book = book_of(result, whole.program, bars)
    assert len(book) or template == "la_bomba"
    market_fills = {
        int(fill["bar"]): int(fill["rule"])
        for fill in result.fills
        if ExitReason(int(fill["reason"])) in (ExitReason.SIGNAL, ExitReason.REVERSAL)
    }
    decisions = 0
    looked_at = set(range(whole.program.warmup, len(bars) - 1, 10))
    for bar in {int(fill["bar"]) for fill in result.fills}:
        looked_at |= {bar - 1, min(bar, len(bars) - 2)}
    for last in sorted(looked_at):
        seen = bars.slice(0, last + 1)
        evaluation = plan_evaluate(plan, seen, charts=False)
        past = [row for row in book if row.bar_ts <= seen.ts[-1]]
        found = decide(seen, evaluation.columns, evaluation.program, CONFIG, book=past)
        assert found.position == result.position[last]
        assert found.equity == result.equity[last]
        assert found.cash == result.cash[last]
        wanted = {order.rule for order in found.now}
        filled = market_fills.get(last + 1)
        assert wanted == (set() if filled is None else {filled}), last
        decisions += len(wanted)
    assert decisions or template == "la_bomba"


def stopped_graph(kind, value, *, side="long"):
    graph = template_graph("sma_cross")[0]
    nodes = [dict(node, params=dict(node.get("params", {}))) for node in graph["nodes"]]
    for node in nodes:
        if node["type"] == "entry":
            node["params"][kind] = {"type": "percent", "value": value}
    return graph | {"nodes": nodes, "settings": {"sizing": {"type": "units", "value": 10}}}


@pytest.mark.parametrize(("kind", "role"), [("stop_loss", Role.STOP), ("take_profit", Role.TAKE)])
def test_guards_lie_where_the_backtest_fills_them(kind, role):
    bars = bars_random(700, seed=5)
    plan = plan_of(stopped_graph(kind, 0.03), {"fast": 5, "slow": 15})
    whole = plan_evaluate(plan, bars, charts=False)
    result = simulate(bars, whole.columns, whole.program, CONFIG)
    book = book_of(result, whole.program, bars)
    guarded = [row for row in book if row.kind == "guard"]
    assert len(guarded) > 5
    for row in guarded:
        # known by the end of the bar before; of an entry's own bar, once the entry is filled
        past = book[: book.index(row)]
        seen = bars.slice(0, int(np.searchsorted(bars.ts, row.bar_ts)))
        evaluation = plan_evaluate(plan, seen, charts=False)
        found = decide(seen, evaluation.columns, evaluation.program, CONFIG, book=past)
        (guard,) = [one for one in found.guards if one.role == role]
        bar = int(np.searchsorted(bars.ts, row.bar_ts))
        level = guard.stop if role == Role.STOP else guard.limit
        opened = bars.open[bar]
        at = min(opened, level) if role == Role.STOP else max(opened, level)
        slip = 1 - 3e-4 if role == Role.STOP else 1.0
        assert row.price == pytest.approx(at * slip, abs=1e-9)
        assert guard.quantity == row.quantity
        assert guard.entry_ts == row.entry_ts


@pytest.mark.parametrize("side", ["long", "short"])
def test_a_take_profit_is_touched_in_the_bar_that_fills_the_backtests(side):
    bars = bars_random(700, seed=5)
    graph = stopped_graph("take_profit", 0.03)
    for node in graph["nodes"]:
        if node["type"] == "entry":
            node["params"]["side"] = side
    graph["nodes"] = [node for node in graph["nodes"] if node["type"] != "exit"]
    there = {node["id"] for node in graph["nodes"]}
    graph["edges"] = [edge for edge in graph["edges"] if {edge["source"], edge["target"]} <= there]
    plan = plan_of(graph, {"fast": 5, "slow": 15})
    whole = plan_evaluate(plan, bars, charts=False)
    book = book_of(simulate(bars, whole.columns, whole.program, CONFIG), whole.program, bars)
    guarded = [row for row in book if row.kind == "guard"]
    assert len(guarded) >= 5
    for row in guarded:
        past, bar = book[: book.index(row)], int(np.searchsorted(bars.ts, row.bar_ts))
        for last, touched in ((bar, True), (bar - 1, False)):
            if bars.ts[last] < row.entry_ts:
                continue
            seen = bars.slice(0, last + 1)
            evaluation = plan_evaluate(plan, seen, charts=False)
            found = decide(seen, evaluation.columns, evaluation.program, CONFIG, book=past)
            (guard,) = found.guards
            assert (guard.role, guard.touched) == (Role.TAKE, touched)


def test_an_order_that_was_not_filled_leaves_the_account_flat():
    bars = bars_random(300)
    plan = plan_of(template_graph("buy_and_hold")[0])
    evaluation = plan_evaluate(plan, bars, charts=False)
    found = decide(bars, evaluation.columns, evaluation.program, CONFIG)
    assert (found.position, found.equity) == (0.0, 50_000.0)
    assert [order.role for order in found.now] == [Role.ENTRY]


def test_bars_that_were_skipped_decide_nothing():
    bars = bars_random(300)
    plan = plan_of(template_graph("buy_and_hold")[0])
    evaluation = plan_evaluate(plan, bars, charts=False)
    found = decide(bars, evaluation.columns, evaluation.program, CONFIG, skipped=[int(bars.ts[-1])])
    assert found.now == ()
