"""Random graphs of random time frames on random data: they run or say why, and never look ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from core.engine.bars import Bars
from core.errors import InvalidInput
from market.calendars import sessions_for
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.proof import prefix_proof
from strategies.graph.schema import graph_parse
from tests.strategies.graph.conftest import Drawing

MINUTE = 60 * 10**9
START = int(np.datetime64("2023-11-20").astype("datetime64[ns]").astype(np.int64))
MINUTES = {"15m": 15, "30m": 30, "1h": 60, "1d": 1_440}

frames = st.fixed_dictionaries(
    {},
    optional={
        "timeframe": st.sampled_from(["15m", "30m", "45m", "1h", "4h", "24h", "1d", "2d", "1w"]),
        "symbol": st.sampled_from(["SPY", "OWN"]),
    },
)
kinds = st.sampled_from(
    [
        ("indicator", {"name": "ema", "period": 2}, ("source",)),
        ("indicator", {"name": "atr", "period": 2}, ()),
        ("indicator", {"name": "session_vwap"}, ()),
        ("math", {"operation": "shift", "n": 1}, ("source",)),
        ("math", {"operation": "subtract"}, ("left", "right")),
        ("price", {"field": "hlc3"}, ()),
        ("time", {}, ()),
    ]
)
calendars = st.sampled_from(["XNYS", "24/7", "24/5", "CMES", "XBOM"])


@st.composite
def drawings(draw: Any) -> Drawing:
    """A few nodes, each fed by ones before it, and a rule on the last."""
    drawing = Drawing().add("n0", "price")
    count = draw(st.integers(1, 6))
    for place in range(1, count + 1):
        type_, params, ports = draw(kinds)
        scoped = draw(frames) if type_ in {"indicator", "price"} else {}
        feeds = {port: f"n{draw(st.integers(0, place - 1))}" for port in ports}
        drawing.add(f"n{place}", type_, params | scoped, **feeds)
    drawing.add("up", "condition", {"operator": "gt"}, left=f"n{count}", right="n0")
    return drawing.add("enter", "entry", {}, when="up")


@st.composite
def series(draw: Any, interval: str) -> Bars:
    """Bars at any hour, in sessions and out of them, with gaps of all lengths."""
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 2, 5, 40]), min_size=20, max_size=120))
    places = np.cumsum([draw(st.integers(0, 100)), *steps])
    unit = MINUTES[interval] * MINUTE
    seed = draw(st.integers(0, 2**16))
    close = 100 + np.cumsum(np.random.default_rng(seed).normal(0, 1, len(places)))
    return Bars.from_arrays(
        ts=START + places * unit,
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.ones(len(places)),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), drawing=drawings(), interval=st.sampled_from(list(MINUTES)))
def test_a_graph_of_several_time_frames_runs_or_says_why_and_never_looks_ahead(
    data, drawing, interval
):
    bars, other = (data.draw(series(interval)) for _ in range(2))
    calendar, others = data.draw(calendars), data.draw(calendars)
    first = min(int(bars.ts[0]), int(other.ts[0]))
    last = max(int(bars.ts[-1]), int(other.ts[-1]))
    context = Context(
        interval=interval,
        sessions=sessions_for(calendar, first_ts=first, last_ts=last),
        symbol="OWN",
        others={"SPY": other},
        other_sessions={"SPY": sessions_for(others, first_ts=first, last_ts=last)},
    )
    try:
        plan = graph_compile(graph_parse(drawing.document), interval=interval)
        evaluation = plan_evaluate(plan, bars, context=context)
    except InvalidInput as error:
        unnamed = [one for one in error.details if not one.node_id]
        event(error.details[0].code)
    else:
        unnamed = []
        assert all(len(column) == len(bars) for column in evaluation.columns)
        assert plan.lookback <= evaluation.program.warmup <= len(bars)
        proof = prefix_proof(plan, bars, samples=8, seed=1, context=context)
        assert (proof.ok, proof.node_id) == (True, None)
    assert not unnamed
