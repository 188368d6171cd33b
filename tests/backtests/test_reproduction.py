"""A stored run gives the same bits again, or says what is different."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from core.backtests import runner
from core.backtests.columns import columns_pack, columns_unpack
from core.backtests.models import BacktestRun, EquityCurve
from core.engine import simulate as engine
from core.engine.version import ENGINE_VERSION
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from strategies.drafts import GraphSource
from strategies.services import strategy_update
from tests.backtests.conftest import daily_bars


def reproduce(run):
    """Return what the command prints, and whether it ended with an error."""
    out = io.StringIO()
    try:
        call_command("reproduce", str(run.id), "--format", "json", stdout=out)
    except CommandError as error:
        return json.loads(out.getvalue()), str(error)
    return json.loads(out.getvalue()), ""


def test_a_stored_run_gives_the_same_bits(done):
    body, error = reproduce(done)
    assert (body["run"], body["identical"], body["differences"], error) == (
        str(done.id), True, [], "",
    )  # fmt: skip
    assert body["versions"]["engine_version"] == {"stored": ENGINE_VERSION, "now": ENGINE_VERSION}
    assert BacktestRun.objects.count() == 1


def test_a_run_without_a_trade_is_reproduced(tiny, new_run, work):
    run = work(new_run("TINY", capital=50.0))
    assert (run.status, run.trade_count) == ("completed", 0)
    assert reproduce(run)[0]["identical"]


def test_newer_bars_and_a_newer_draft_change_nothing(waves, new_run, work, user):
    run = work(new_run("WAVE", "sma_cross", parameters={"fast": 5}, config={"spread": 0.001}))
    history_store(
        instrument=waves,
        interval=interval_get("1d"),
        provider="csv",
        history=History.from_bars(daily_bars(np.full(500, 77.0))),
        replace=True,
    )
    strategy_update(
        owner_id=user.id, strategy_id=run.strategy_id, source=GraphSource(template="rsi")
    )
    body, _ = reproduce(run)
    assert body["identical"], body["differences"]


@pytest.mark.parametrize(
    ("changes", "what", "stored"),
    [
        ({"metrics": {"sharpe": 99.0}}, "metrics.sharpe", 99.0),
        ({"counters": {"ambiguous_bars": 7}}, "counters.ambiguous_bars", 7),
        ({"graph_hash": "0" * 64}, "graph_hash", "0" * 64),
        ({"bar_count": 499}, "bar_count", 499),
        ({"warnings": [{"code": "x"}]}, "warnings", [{"code": "x"}]),
    ],
)
def test_whatever_differs_is_told_with_both_values(done, changes, what, stored):
    for name, value in changes.items():
        old = getattr(done, name)
        changed = {**old, **value} if isinstance(value, dict) else value
        BacktestRun.objects.filter(id=done.id).update(**{name: changed})
    body, error = reproduce(done)
    assert not body["identical"]
    assert "another result" in error
    (difference,) = body["differences"]
    assert (difference["what"], difference["stored"]) == (what, stored)
    assert difference["now"] != stored


def test_one_bit_of_the_equity_or_of_a_trade_is_enough(done):
    series = {name: values.copy() for name, values in columns_unpack(done.curve.series).items()}
    series["equity"][321] = np.nextafter(series["equity"][321], np.inf)
    EquityCurve.objects.filter(run=done).update(series=columns_pack(series))
    trade = done.trades.get(number=3)
    done.trades.filter(number=3).update(pnl=float(np.nextafter(trade.pnl, np.inf)))
    body, _ = reproduce(done)
    assert [one["what"] for one in body["differences"]] == ["series[321].equity", "trades[2].pnl"]


def test_a_trade_that_was_lost_is_told(done):
    done.trades.filter(number=2).delete()
    body, _ = reproduce(done)
    assert body["differences"] == [
        {"what": "trades rows", "stored": done.trade_count - 1, "now": done.trade_count}
    ]


def test_another_engine_is_named_beside_what_it_changed(done, monkeypatch):
    monkeypatch.setattr(engine, "ENGINE_VERSION", "99.0.0")
    body, _ = reproduce(done)
    assert body["identical"], "another version alone is no difference"
    assert body["versions"]["engine_version"] == {"stored": ENGINE_VERSION, "now": "99.0.0"}
    out = io.StringIO()
    call_command("reproduce", str(done.id), stdout=out)
    assert f"engine_version: {ENGINE_VERSION} then, 99.0.0 now" in out.getvalue()

    honest = runner.graph_simulate

    def costlier(**arguments):
        spread = dataclasses.replace(arguments["config"], spread=0.01)
        return honest(**(arguments | {"config": spread}))

    monkeypatch.setattr(runner, "graph_simulate", costlier)
    body, error = reproduce(done)
    assert error
    assert "metrics.final_equity" in {one["what"] for one in body["differences"]}


def test_what_cannot_be_reproduced_says_why(tiny, new_run, work, user):
    queued = new_run()
    for argument, words in [
        (queued.id, "no result"),
        (user.id, "no backtest"),
        ("seven", "not the id"),
    ]:
        with pytest.raises(CommandError, match=words):
            call_command("reproduce", str(argument))
    run = work(queued)
    tiny.series.all().delete()
    with pytest.raises(CommandError, match="never had bars"):
        call_command("reproduce", str(run.id))
