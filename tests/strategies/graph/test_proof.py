"""The prefix proof: it clears what is clean and names the node that looks ahead."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.engine.bars import Bars
from core.errors import InvalidInput
from core.sessions.align import bars_closed
from core.sessions.resample import bars_resample
from market.providers.sample import share_read
from strategies.graph import catalogue, frames
from strategies.graph.catalogue import forms
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.forms import Port, PortType, SeriesForm
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.proof import Proof, prefix_proof
from strategies.graph.schema import graph_parse
from strategies.graph.templates import TEMPLATES, template_get
from tests.strategies.graph.conftest import Drawing, bars_of

CLOSES = np.round(100 + np.cumsum(np.random.default_rng(5).normal(0, 1, 120)), 2)
Leak = Callable[[np.ndarray], np.ndarray]


@pytest.fixture
def leaking(monkeypatch):
    """Return a plan in which the node `guilty` of a type of our own does as it is told."""

    def make(leak: Leak):
        form = SeriesForm(
            inputs=(Port("source", PortType.NUMBER),),
            outputs=(Port("value", PortType.NUMBER),),
            compute=lambda _frame, _values, inputs: (leak(inputs[0]),),
        )

        class LeakNode(NodeType):
            name = "leak"
            title = "Leak"
            category = "data"
            description = "Sees more than it should."

            def forms(self):
                return {"": form}

        monkeypatch.setitem(catalogue._BY_NAME, "leak", LeakNode())
        drawing = Drawing()
        drawing.add("close", "price")
        drawing.add("innocent", "indicator", {"name": "sma", "period": 5}, source="close")
        drawing.add("guilty", "leak", source="innocent")
        drawing.add("fed", "math", {"operation": "add", "right": 1}, left="guilty")
        drawing.add("up", "condition", {"operator": "gt"}, left="close", right="fed")
        drawing.add("enter", "entry", {}, when="up")
        return drawing.compile()

    return make


def tomorrow(series: np.ndarray) -> np.ndarray:
    return np.append(series[1:], series[-1])


def scaled_by_the_whole_history(series: np.ndarray) -> np.ndarray:
    return series / np.nanmax(series)


def filled_from_behind(series: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(series), series[np.isfinite(series)][-1], series)


@pytest.mark.parametrize("leak", [tomorrow, scaled_by_the_whole_history, filled_from_behind])
def test_a_leaking_node_is_named_and_not_what_it_feeds_or_is_fed_by(leaking, leak):
    proof = prefix_proof(leaking(leak), bars_of(CLOSES), samples=10, seed=1)
    assert not proof.ok
    assert proof.node_id == "guilty"


def test_the_first_bar_that_changes_its_mind_is_told(leaking):
    plan, bars = leaking(tomorrow), bars_of(CLOSES)
    proof = prefix_proof(plan, bars, samples=1, seed=3)
    # Cut after bar k, only bar k itself does not know its tomorrow.
    assert proof == Proof(ok=False, node_id="guilty", bar=proof.cuts[0], cuts=proof.cuts)
    assert prefix_proof(leaking(filled_from_behind), bars, samples=1, seed=3).bar == 0


def test_a_difference_in_the_last_bit_is_a_leak(leaking):
    plan = leaking(lambda series: np.nextafter(series, np.inf) if len(series) == 120 else series)
    assert prefix_proof(plan, bars_of(CLOSES), samples=1, seed=0).node_id == "guilty"


def test_a_zero_of_another_sign_is_a_leak_and_a_missing_value_is_none(leaking):
    def signed(series):
        return np.full(len(series), -0.0 if len(series) == 120 else 0.0)

    def missing(series):
        return np.full(len(series), np.nan)

    bars = bars_of(CLOSES)
    assert prefix_proof(leaking(signed), bars, samples=1, seed=0).node_id == "guilty"
    assert prefix_proof(leaking(missing), bars, samples=1, seed=0).ok


def test_cuts_are_spread_over_the_data_and_repeat_with_the_seed(sma_cross):
    plan, bars = sma_cross.compile(), bars_of(CLOSES)
    one, two, other = (prefix_proof(plan, bars, samples=8, seed=seed) for seed in (1, 1, 2))
    assert one == two != other
    assert one.ok
    assert list(one.cuts) == sorted(set(one.cuts))
    assert plan.lookback <= one.cuts[0] < 18
    assert 103 < one.cuts[-1] < 119


def test_with_samples_enough_every_bar_is_tried(sma_cross):
    proof = prefix_proof(sma_cross.compile(), bars_of(CLOSES), samples=10_000, seed=1)
    assert proof == Proof(ok=True, cuts=tuple(range(3, 119)))


def test_too_few_bars_to_run_or_to_cut(sma_cross):
    plan = sma_cross.compile()
    with pytest.raises(InvalidInput, match="needs 4 bars"):
        prefix_proof(plan, bars_of(CLOSES[:3]), samples=1, seed=1)
    assert prefix_proof(plan, bars_of(CLOSES[:4]), samples=1, seed=1) == Proof(ok=True)
    with pytest.raises(ValueError, match="at least one sample"):
        prefix_proof(plan, bars_of(CLOSES), samples=0, seed=1)


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_looks_ahead(name):
    plan = graph_compile(graph_parse(template_get(name).document))
    proof = prefix_proof(plan, share_read("GOOG").bars, samples=25, seed=11)
    assert (proof.ok, proof.node_id, len(proof.cuts)) == (True, None, 25)


def test_nodes_with_a_memory_do_not_look_ahead(drawing):
    drawing.add("close", "price")
    drawing.add("a", "condition", {"operator": "rising", "n": 1}, left="close")
    drawing.add("b", "condition", {"operator": "is_lowest", "n": 9}, left="close")
    drawing.add("sequence", "sequence", {"n": 3}, first="a", then="b")
    drawing.add("hold", "hold", {"n": 2}, in_1="a")
    drawing.add("recent", "recent", {"n": 4}, in_1="sequence")
    drawing.add("since", "bars_since", in_1="b")
    drawing.add("young", "condition", {"operator": "lt", "right": 9}, left="since")
    drawing.add("any", "logic", {"operator": "or"}, in_1="hold", in_2="recent", in_3="young")
    drawing.add("enter", "entry", {}, when="any")
    assert prefix_proof(drawing.compile(), bars_of(CLOSES), samples=1_000, seed=0).ok


def several_frames(*, hourly: str = "indicator") -> Drawing:
    """A run of 15 minutes that reads hours, days, another instrument and the clock."""
    of_hours = {"name": "ema", "period": 3, "timeframe": "1h"}
    of_another = {"name": "max", "period": 2, "symbol": "SPY", "timeframe": "30m"}
    young = {"operator": "lt", "right": 600}
    drawing = Drawing()
    drawing.add("close", "price").add("clock", "time")
    params = {"name": "sma", "period": 2} if hourly == "indicator" else {}
    drawing.add("hourly", hourly, params, source="close")
    drawing.add("slow", "indicator", of_hours, source="hourly")
    drawing.add("daily", "indicator", {"name": "atr", "period": 1, "timeframe": "1d"})
    drawing.add("other", "indicator", of_another, source="close")
    drawing.add("sum", "math", {"operation": "add"}, left="slow", right="daily")
    drawing.add("up", "condition", {"operator": "crosses_above"}, left="close", right="sum")
    drawing.add("above", "condition", {"operator": "gt"}, left="close", right="other")
    drawing.add("early", "condition", young, left="clock.minutes_to_close")
    drawing.add("all", "logic", {"operator": "or"}, in_1="up", in_2="above", in_3="early")
    return drawing.add("enter", "entry", {}, when="all")


def quarters(count: int, *, seed: int, late: int = 0) -> Bars:
    """Bars of a quarter of an hour with gaps, the first `late` of them missing."""
    rng = np.random.default_rng(seed)
    places = np.flatnonzero((rng.random(count) > 0.15) | (np.arange(count) == 0))[late:]
    close = 100 + np.cumsum(rng.normal(0, 1, len(places)))
    return Bars.from_arrays(
        ts=np.datetime64("2024-03-08").astype("datetime64[ns]").astype(np.int64)
        + places * 15 * 60 * 10**9,
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.ones(len(places)),
    )


@pytest.mark.parametrize("strict_cross", [False, True])
def test_longer_time_frames_other_instruments_and_the_clock_do_not_look_ahead(strict_cross):
    bars = quarters(400, seed=1)
    context = Context(others={"SPY": quarters(450, seed=2, late=3)})
    proof = prefix_proof(
        several_frames().compile(),
        bars,
        samples=1_000,
        seed=0,
        context=context,
        strict_cross=strict_cross,
    )
    assert (proof.ok, proof.node_id) == (True, None)
    assert len(proof.cuts) > 150
    assert proof.cuts[-1] == len(bars) - 2


def test_a_node_that_leaks_on_a_longer_time_frame_is_named(leaking):
    leaking(tomorrow)
    bars = quarters(400, seed=1)
    proof = prefix_proof(
        several_frames(hourly="leak").compile(),
        bars,
        samples=1_000,
        seed=0,
        context=Context(interval="15m", others={"SPY": bars}),
    )
    assert (proof.ok, proof.node_id) == (False, "hourly")
    # The last hour that was over at the cut does not know the next one.
    assert proof.bar <= proof.cuts[-1]
    assert bars.ts[proof.cuts[-1]] - bars.ts[proof.bar] < 3_600 * 10**9


@pytest.mark.parametrize(("early", "guilty"), [(60, "slow"), (15, "slow"), (0, None)])
def test_a_value_that_is_shown_before_its_bar_is_over_is_a_leak(monkeypatch, early, guilty):
    def too_soon(coarse_ends, ends):
        return bars_closed(coarse_ends - early * 60 * 10**9, ends)

    monkeypatch.setattr(forms, "bars_closed", too_soon)
    drawing = Drawing()
    drawing.add("slow", "indicator", {"name": "ema", "period": 3, "timeframe": "1h"})
    drawing.add("close", "price")
    drawing.edges.append({"source": "close", "target": "slow", "target_port": "source"})
    drawing.add("up", "condition", {"operator": "gt"}, left="close", right="slow")
    drawing.add("enter", "entry", {}, when="up")
    proof = prefix_proof(
        drawing.compile(),
        quarters(200, seed=1),
        samples=1_000,
        seed=0,
        context=Context(interval="15m"),
    )
    assert proof.node_id == guilty


def test_a_part_of_an_hour_is_never_seen_whatever_it_says(monkeypatch):
    def partial(**given):
        return bars_resample(**given | {"until": 2**62})

    monkeypatch.setattr(frames, "bars_resample", partial)
    drawing = several_frames()
    bars = quarters(200, seed=1)
    context = Context(interval="15m", others={"SPY": bars})
    proof = prefix_proof(drawing.compile(), bars, samples=1_000, seed=0, context=context)
    # It is not over when the run's bar is.
    assert proof.ok
