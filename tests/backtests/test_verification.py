"""Proofs on request: of nodes, of fills, and by another engine."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from drf_spectacular.generators import SchemaGenerator

from core.backtests import prefix, replay, verification
from core.backtests.api.verify import EXAMPLE
from core.backtests.prefix import fills_proof
from core.backtests.replay import plan_replay
from core.backtests.verification import plan_verify, samples_bounded
from core.engine.config import RunConfig
from core.options.config import OptionsConfig
from strategies.drafts import GraphSource
from strategies.graph import catalogue
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.forms import Port, PortType, SeriesForm
from strategies.graph.compile import graph_compile
from strategies.graph.context import NO_CONTEXT
from strategies.graph.schema import graph_parse
from strategies.graph.templates import TEMPLATES, template_get
from strategies.services import strategy_create
from tests.backtests.conftest import client_of, daily_bars

WAVE = daily_bars(np.round(100 + 20 * np.sin(np.arange(500) / 15) + np.arange(500) / 20, 2))


def compiled(document, parameters=None):
    return graph_compile(graph_parse(document), parameters)


def template_plan(name="sma_cross"):
    return compiled(template_get(name).document)


def document_of(nodes, edges, settings=None):
    return {
        "nodes": [{"id": i, "type": t, "params": p} for i, t, p in nodes],
        "edges": [{"source": s, "target": t, "target_port": p} for s, t, p in edges],
        "settings": settings or {},
    }


@pytest.fixture
def leaking(monkeypatch):
    """A strategy whose node `guilty` knows the close of tomorrow."""

    class LeakNode(NodeType):
        name = "leak"
        title = "Leak"
        category = "data"
        description = "Sees more than it should."

        def forms(self):
            tomorrow = SeriesForm(
                inputs=(Port("source", PortType.NUMBER),),
                outputs=(Port("value", PortType.NUMBER),),
                compute=lambda _frame, _values, inputs: (np.append(inputs[0][1:], inputs[0][-1]),),
            )
            return {"": tomorrow}

    monkeypatch.setitem(catalogue._BY_NAME, "leak", LeakNode())
    return document_of(
        [
            ("close", "price", {}),
            ("innocent", "indicator", {"name": "sma", "period": 3}),
            ("guilty", "leak", {}),
            ("up", "condition", {"operator": "gt"}),
            ("down", "condition", {"operator": "lt"}),
            ("enter", "entry", {}),
            ("leave", "exit", {}),
        ],
        [
            ("close", "innocent", "source"),
            ("close", "guilty", "source"),
            ("guilty", "up", "left"),
            ("innocent", "up", "right"),
            ("guilty", "down", "left"),
            ("innocent", "down", "right"),
            ("up", "enter", "when"),
            ("down", "leave", "when"),
        ],
    )


def verified(plan, bars=WAVE, **options):
    config = RunConfig.from_mapping(options.pop("config", {}))
    return plan_verify(plan=plan, bars=bars, config=config, samples=options.pop("samples", 20),
                       seed=options.pop("seed", 0))  # fmt: skip


# --- over HTTP ---------------------------------------------------------------------------------


def test_a_template_is_proved_and_trades_alike_on_the_reference_engine(api, user, waves):
    strategy = strategy_create(owner_id=user.id, source=GraphSource(template="sma_cross"))
    answer = api.post(f"/api/v1/strategies/{strategy.id}/verify/", {"symbol": "wave"})
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    assert (body["ok"], body["version"], body["graph_hash"]) == (True, None, strategy.graph_hash)
    assert (body["data"]["symbol"], body["data"]["bars"]) == ("WAVE", 500)
    assert body["data"]["first"] == "2020-01-06T00:00:00Z"
    assert (body["look_ahead"]["ok"], body["look_ahead"]["node_id"]) == (True, None)
    assert (body["look_ahead"]["cuts"], body["decisions"]["cuts"]) == (20, 20)
    assert (body["replay"]["status"], body["replay"]["trades"]) == ("equal", 5)
    # Five round trips; the last one stays open where the end does not close it.
    assert body["decisions"]["fills"] == 9
    assert body.keys() == EXAMPLE.keys()
    for part in ("data", "look_ahead", "decisions", "replay"):
        assert body[part].keys() == EXAMPLE[part].keys()


def test_a_leaking_node_is_named_with_its_bar(api, user, waves, leaking):
    strategy = strategy_create(owner_id=user.id, name="x", graph=leaking)
    body = api.post(f"/api/v1/strategies/{strategy.id}/verify", {"symbol": "WAVE"}).json()
    assert (body["ok"], body["look_ahead"]["ok"]) == (False, False)
    assert body["look_ahead"]["node_id"] == "guilty"
    bar = body["look_ahead"]["bar"]
    assert body["look_ahead"]["ts"] == int(WAVE.ts[bar]) // 1_000_000
    assert f"'guilty' looks ahead: what it says of bar {bar}" in body["look_ahead"]["message"]


def test_a_published_version_is_proved_beside_a_broken_draft(api, user, waves):
    strategy = strategy_create(owner_id=user.id, source=GraphSource(template="sma_cross"))
    url = f"/api/v1/strategies/{strategy.id}"
    graph = dict(strategy.graph, edges=strategy.graph["edges"][:-1])
    assert api.patch(url, {"graph": graph}).status_code == 200
    broken = api.post(f"{url}/verify", {"symbol": "WAVE"})
    assert broken.status_code == 422
    assert broken.json()["details"][0]["path"].startswith("graph.nodes[")
    proved = api.post(f"{url}/verify", {"symbol": "WAVE", "version": 1})
    assert (proved.status_code, proved.json()["version"]) == (200, 1)
    assert api.post(f"{url}/verify", {"symbol": "WAVE", "version": 2}).status_code == 404


def test_another_users_strategy_is_not_found(user, stranger, waves):
    strategy = strategy_create(owner_id=user.id, source=GraphSource(template="sma_cross"))
    url = f"/api/v1/strategies/{strategy.id}/verify"
    assert client_of(stranger).post(url, {"symbol": "WAVE"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"symbol": "WAVY"}, "symbol"),
        ({"symbol": "WAVE", "interval": "1h"}, "interval"),
        ({"symbol": "WAVE", "start": "1999-01-01", "end": "1999-12-31"}, "start"),
        ({"symbol": "WAVE", "samples": 0}, "samples"),
        ({"symbol": "WAVE", "samples": 201}, "samples"),
        ({"symbol": "WAVE", "seed": -1}, "seed"),
        ({"symbol": "WAVE", "parameters": {"fats": 3}}, "parameters.fats"),
        ({"symbol": "WAVE", "config": {"cash": 0}}, "config.cash"),
        ({"symbol": "WAVE", "end": "2020-01-20"}, "nodes"),
        ({"sybmol": "WAVE"}, "sybmol"),
    ],
)
def test_what_cannot_be_proved_is_refused_with_its_place(api, user, waves, body, path):
    strategy = strategy_create(owner_id=user.id, source=GraphSource(template="sma_cross"))
    answer = api.post(f"/api/v1/strategies/{strategy.id}/verify", body)
    assert answer.status_code == 422, answer.json()
    assert path in [detail["path"] for detail in answer.json()["details"]]


def test_the_endpoint_is_documented_with_examples():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    (operation,) = paths["/api/v1/strategies/{strategy_id}/verify/"].values()
    assert operation["operationId"] == "strategy_verify"
    asked = operation["requestBody"]["content"]["application/json"]["examples"]
    assert len(asked) == 2
    assert operation["responses"]["200"]["content"]["application/json"]["examples"]


# --- the proofs --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_holds(name):
    found = verified(template_plan(name), samples=5)
    assert found.look_ahead.ok
    assert found.decisions.ok
    assert found.replay.status != "different"


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"profile": "reference", "commission": {"percent": 0.002}},
        {"trade_on_close": True, "slippage": {"bps": 7}, "margin": 0.3},
        {"margin": 0.2, "maintenance_margin": 0.1},
    ],
)
def test_fills_and_equity_do_not_depend_on_later_bars(config):
    found = verified(template_plan(), config=config, samples=200)
    assert (found.decisions.ok, len(found.decisions.cuts)) == (True, 200)


def test_fills_that_know_the_future_are_found_by_the_decision_at_the_cut(leaking):
    # Only the bar before a turn decides otherwise when its tomorrow is known.
    plan = compiled(leaking)
    proof = fills_proof(plan=plan, bars=WAVE, config=RunConfig(), cuts=range(3, 499))
    assert not proof.ok
    assert proof.bar == proof.cuts[-1] + 1
    honest = fills_proof(plan=plan, bars=WAVE, config=RunConfig(), cuts=proof.cuts[:-1])
    assert honest.ok


@pytest.mark.parametrize("part", ["fills", "equity"])
def test_an_engine_that_looks_ahead_is_found(monkeypatch, part):
    plan = template_plan()
    honest = prefix.result_of

    def peeking(bars, *arguments, **options):
        result = honest(bars, *arguments, **options)
        if len(bars) < 400:
            return result
        changed = getattr(result, part).copy()
        if part == "fills":
            changed["price"][2] = np.nextafter(changed["price"][2], np.inf)
        else:
            changed[100] = np.nextafter(changed[100], np.inf)
        return dataclasses.replace(result, **{part: changed})

    bar = int(honest_fills(plan)["bar"][2]) if part == "fills" else 100
    monkeypatch.setattr(prefix, "result_of", peeking)
    proof = fills_proof(plan=plan, bars=WAVE, config=RunConfig(), cuts=(50, 99, 350))
    assert (proof.ok, proof.bar) == (False, bar)


def honest_fills(plan):
    config = RunConfig(liquidate_at_end=False)
    return prefix._run(
        plan, config, NO_CONTEXT, OptionsConfig(), WAVE, sessions=None, known=500
    ).fills


def test_a_fill_too_many_is_found(monkeypatch):
    plan = template_plan()
    honest = prefix.result_of

    def forgetful(bars, *arguments, **options):
        result = honest(bars, *arguments, **options)
        return result if len(bars) < 400 else dataclasses.replace(result, fills=result.fills[1:])

    first = int(honest_fills(plan)["bar"][0])
    monkeypatch.setattr(prefix, "result_of", forgetful)
    proof = fills_proof(plan=plan, bars=WAVE, config=RunConfig(), cuts=(350,))
    assert (proof.ok, proof.bar) == (False, first)


# --- the replay --------------------------------------------------------------------------------


def test_the_first_trade_that_differs_is_told(monkeypatch):
    honest = replay.simulate

    def greedy(*arguments, **options):
        result = honest(*arguments, **options)
        trades = result.trades.copy()
        trades["exit_price"][1] += 0.5
        trades["pnl"][2] += 0.5
        return dataclasses.replace(result, trades=trades)

    monkeypatch.setattr(replay, "simulate", greedy)
    found = plan_replay(plan=template_plan(), bars=WAVE, config=RunConfig())
    assert (found.status, found.difference.number, found.difference.field) == (
        "different",
        2,
        "exit_price",
    )
    assert found.difference.engine == found.difference.reference + 0.5
    assert not dataclasses.replace(verified(template_plan()), replay=found).ok


def test_a_trade_too_few_and_another_equity_are_told(monkeypatch):
    honest = replay.simulate
    plan = template_plan()

    def shorter(*arguments, **options):
        result = honest(*arguments, **options)
        return dataclasses.replace(result, trades=result.trades[:-1])

    monkeypatch.setattr(replay, "simulate", shorter)
    found = plan_replay(plan=plan, bars=WAVE, config=RunConfig()).difference
    assert (found.field, found.number, found.engine, found.reference) == ("trades", 5, 4.0, 5.0)

    def richer(*arguments, **options):
        result = honest(*arguments, **options)
        equity = result.equity.copy()
        equity[77] += 1
        return dataclasses.replace(result, equity=equity)

    monkeypatch.setattr(replay, "simulate", richer)
    found = plan_replay(plan=plan, bars=WAVE, config=RunConfig()).difference
    assert (found.field, found.number, found.bar) == ("equity", None, 77)


@pytest.mark.parametrize(
    ("config", "path"), [({"slippage": {"bps": 5}}, "slippage.bps"), ({"lot_size": 10}, "lot_size")]
)
def test_what_keeps_the_reference_engine_from_running_is_said_plainly(config, path):
    found = verified(template_plan(), config=config, samples=2)
    assert (found.replay.status, found.ok) == ("not_run", True)
    assert path in [reason.path for reason in found.replay.reasons]


def test_a_missing_reference_engine_is_no_fault_of_the_strategy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "backtesting", None)
    found = verified(template_plan(), samples=2)
    assert (found.replay.status, found.ok) == ("not_run", True)
    assert "pip install" in found.replay.reasons[0].message


# --- bounded work ------------------------------------------------------------------------------


def test_of_long_data_the_last_bars_are_looked_at(monkeypatch):
    monkeypatch.setattr(verification, "BARS_AT_MOST", 120)
    found = verified(template_plan(), samples=3)
    assert found.bars.ts.tolist() == WAVE.ts[-120:].tolist()
    # la_bomba looks back 119 bars: twice that are taken.
    plan = template_plan("la_bomba")
    assert len(verified(plan, samples=3).bars) == 2 * plan.lookback > 120


def test_samples_are_as_many_as_can_be_afforded():
    assert samples_bounded(20, steps=5, bars=2_148) == 20
    assert samples_bounded(200, steps=500, bars=20_000) == 3
    assert samples_bounded(2, steps=500, bars=20_000) == 2
    assert samples_bounded(200, steps=10, bars=20_000) == 100


def test_too_few_bars_to_cut_prove_nothing_and_say_so():
    found = verified(template_plan("buy_and_hold"), bars=WAVE.slice(0, 1))
    assert found.look_ahead.cuts == ()


# --- from the command line ---------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    bars = tmp_path / "bars.csv"
    rows = zip(WAVE.ts // 10**9, WAVE.open, WAVE.high, WAVE.low, WAVE.close, WAVE.volume,
               strict=True)  # fmt: skip
    lines = [",".join(str(cell) for cell in row) for row in rows]
    bars.write_text("ts,open,high,low,close,volume\n" + "\n".join(lines))
    return tmp_path, str(bars)


def run(*arguments):
    out = io.StringIO()
    call_command("verify", *arguments, stdout=out)
    return out.getvalue()


def test_files_alone_are_proved(files):
    report = json.loads(run("--template", "sma_cross", "--bars", files[1], "--format", "json"))
    assert (report["ok"], report["bars"], report["replay"]["status"]) == (True, 500, "equal")
    table = run("--template", "sma_cross", "--bars", files[1], "--set", "fast=5")
    assert "holds" in table
    assert "FAILS" not in table


def test_a_failed_proof_is_printed_and_ends_with_an_error(files, leaking):
    folder, bars = files
    (folder / "graph.json").write_text(json.dumps(leaking))
    out = io.StringIO()
    with pytest.raises(CommandError, match="proof failed"):
        call_command("verify", "--graph", str(folder / "graph.json"), "--bars", bars, stdout=out)
    assert "'guilty' looks ahead" in out.getvalue()


def test_a_stored_strategy_is_proved_on_stored_bars(user, waves):
    strategy = strategy_create(owner_id=user.id, source=GraphSource(template="sma_cross"))
    report = json.loads(
        run("--strategy", str(strategy.id), "--symbol", "WAVE", "--end", "2021-01-31",
            "--format", "json")
    )  # fmt: skip
    assert (report["ok"], report["last"]) == (True, "2021-01-31T00:00:00Z")
    with pytest.raises(CommandError, match="no strategy"):
        run("--strategy", str(user.id), "--symbol", "WAVE")
    with pytest.raises(CommandError, match="not the id"):
        run("--strategy", "7", "--symbol", "WAVE")
    with pytest.raises(CommandError, match="WAVE"):
        run("--strategy", str(strategy.id), "--symbol", "WAVY")
