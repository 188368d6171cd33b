"""A run on many instruments under one account, from what is asked for to what is stored."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from django.core.management import call_command

from core.backtests.models import BacktestRun
from market.models import Universe
from tests.backtests.conftest import client_of, daily_bars, store

RANGE = {"start": "2020-01-01", "end": "2030-01-01", "capital": 1000}


@pytest.fixture
def pair(tiny):
    """Beside TINY (100, 110, 121, 99, 108.9): PEER, 50, 50, 60, 60, 30, which begins that day."""
    return store("PEER", daily_bars([50, 50, 60, 60, 30]))


def asked(api, **fields):
    body = RANGE | {"strategy_id": "buy_and_hold", "symbols": ["TINY", "PEER"]} | fields
    return api.post("/api/v1/backtests/", body, format="json")


def test_equal_parts_by_hand(api, pair, work):
    """Decided at the first close: 500 buy 10 of PEER at 50, and 5 of TINY at 100.

    At the last close 10 x 30 + 5 x 108.90 = 844.50: 200 lost on the one, 44.50 made on the other.
    """
    run = work(BacktestRun.objects.get(id=asked(api).json()["id"]))
    assert (run.status, run.symbol, run.symbols) == ("completed", "", ["PEER", "TINY"])
    body = api.get(f"/api/v1/backtests/{run.id}/results/").json()
    assert body["equity_chart"]["equity"] == pytest.approx([1000, 1050, 1205, 1095, 844.5])
    assert [
        (one["symbol"], one["size"], one["entry_price"], one["exit_price"], one["exit_reason"])
        for one in body["trades"]
    ] == [("PEER", 10, 50, 30, "end"), ("TINY", 5, 100, 108.9, "end")]
    rows = api.get(f"/api/v1/backtests/{run.id}/instruments/").json()
    assert rows == body["instruments"]
    assert [(one["symbol"], one["trades"], one["winrate_pct"]) for one in rows] == [
        ("PEER", 1, 0.0), ("TINY", 1, 100.0),
    ]  # fmt: skip
    assert [one["pnl"] for one in rows] == pytest.approx([-200, 44.5])
    assert [one["contribution_pct"] for one in rows] == pytest.approx([-20, 4.45])
    # Half in each from the first close on: 0.5 x 30/50 + 0.5 x 108.9/100.
    assert body["metrics"]["buy_hold_return_pct"] == pytest.approx(100 * (0.3 + 0.5445 - 1))
    assert body["metrics"]["total_return_pct"] == pytest.approx(-15.55)


def test_weights_and_the_order_of_symbols(api, pair, work):
    """Three quarters of 1000 in PEER are 15, a quarter in TINY 2, whichever is named first."""
    config = {"allocation": {"method": "weights", "weights": {"TINY": 0.25, "PEER": 0.75}}}
    sizes = []
    for symbols in (["TINY", "PEER"], ["peer", "tiny"]):
        run = BacktestRun.objects.get(id=asked(api, symbols=symbols, config=config).json()["id"])
        work(run)
        sizes.append(list(run.trades.order_by("number").values_list("symbol", "size")))
    assert sizes == [[("PEER", 15.0), ("TINY", 2.0)]] * 2


def test_a_universe_names_the_instruments(api, pair, work, user, stranger):
    Universe.objects.create(owner=user, name="both", symbols=["TINY", "PEER"])
    made = asked(api, symbols=[], universe="both").json()
    run = work(BacktestRun.objects.get(id=made["id"]))
    assert (run.status, made["symbols"], made["universe"]) == (
        "completed", ["PEER", "TINY"], "both",
    )  # fmt: skip
    refused = asked(client_of(stranger), symbols=[], universe="both")
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_universe")


def test_what_is_wrong_is_said_at_once(api, pair):
    def refusal(**fields):
        answer = asked(api, **fields)
        assert answer.status_code in {400, 422}, answer.json()
        return [(one["path"], one["code"]) for one in answer.json()["details"]]

    assert [path for path, _ in refusal(symbols=["TINY", "NONE", "NADA"])] == [
        "symbols[1]", "symbols[2]",
    ]  # fmt: skip
    weights = {"allocation": {"method": "weights", "weights": {"TINY": 0.9, "OTHER": 0.2}}}
    assert refusal(config=weights) == [
        ("config.allocation.weights.PEER", "required"),
        ("config.allocation.weights.OTHER", "unknown"),
    ]
    assert refusal(config={"profile": "reference"}) == [("config.profile", "unsupported")]
    assert refusal(config={"allocation": {"rotate": True}}) == [
        ("config.allocation.rotate", "conflict")
    ]
    assert [path for path, _ in refusal(universe="both")] == ["symbols"]
    assert not BacktestRun.objects.exists()


def test_it_is_found_by_each_of_its_symbols_and_by_its_owner_alone(api, pair, work, stranger):
    run = work(BacktestRun.objects.get(id=asked(api).json()["id"]))
    for symbol, count in (("tiny", 1), ("PEER", 1), ("GOOG", 0)):
        assert len(api.get(f"/api/v1/backtests/?ticker={symbol}").json()["results"]) == count
    path = f"/api/v1/backtests/{run.id}/instruments/"
    assert client_of(stranger).get(path).status_code == 404


def test_it_is_drawn_exported_and_reproduced(api, pair, work):
    run = work(BacktestRun.objects.get(id=asked(api).json()["id"]))
    for chart in ("equity", "price", "trades", "monthly"):
        image = api.get(f"/api/v1/backtests/{run.id}/chart/?chart_type={chart}")
        assert image.status_code == 200, chart
    table = api.get(f"/api/v1/backtests/{run.id}/export/?format=csv").content.decode()
    assert table.splitlines()[1].split(",")[1] == "PEER"
    out = io.StringIO()
    call_command("reproduce", str(run.id), "--format", "json", stdout=out)
    assert json.loads(out.getvalue())["identical"]


def test_other_bars_than_were_pinned_are_told(api, pair, work):
    run = work(BacktestRun.objects.get(id=asked(api).json()["id"]))
    stored = run.curve.instruments
    run.curve.instruments = [stored[0] | {"pnl": 1.0}, stored[1]]
    run.curve.save(update_fields=["instruments"])
    out = io.StringIO()
    with pytest.raises(Exception, match="another result"):
        call_command("reproduce", str(run.id), "--format", "json", stdout=out)
    assert "instruments" in json.loads(out.getvalue())["differences"][0]["what"]


def test_files_share_an_account_on_the_command_line(tmp_path):
    paths = []
    for symbol, closes in (("TINY", [100, 110, 121, 99, 108.9]), ("PEER", [50, 50, 60, 60, 30])):
        bars = daily_bars(closes)
        path = tmp_path / f"{symbol}.csv"
        rows = zip(bars.ts, bars.open, bars.high, bars.low, bars.close, strict=True)
        lines = [f"{np.datetime64(int(ts), 'ns')}Z,{o},{h},{low},{c}" for ts, o, h, low, c in rows]
        path.write_text("\n".join(["ts,open,high,low,close", *lines]))
        paths += ["--bars", f"{symbol}={path}"]
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"cash": 1000}))
    out = io.StringIO()
    arguments = ["--template", "buy_and_hold", *paths, "--config", str(config)]
    call_command("backtest", *arguments, "--format", "json", stdout=out)
    found = json.loads(out.getvalue())
    assert found["equity"] == pytest.approx([1000, 1050, 1205, 1095, 844.5])
    assert [one["symbol"] for one in found["trades"]] == ["PEER", "TINY"]
    out = io.StringIO()
    call_command("backtest", *arguments, stdout=out)
    assert "contribution_pct" in out.getvalue()
