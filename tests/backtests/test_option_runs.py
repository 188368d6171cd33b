"""Strategies that trade options, from the graph to the stored leg."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from core.backtests.legs import exposure_of, fills_of, trades_of
from core.backtests.prefix import fills_proof
from core.backtests.reproduction import run_find, run_reproduce
from core.backtests.settings import RunSettings
from core.backtests.simulation import left_of_sessions
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.errors import InvalidInput
from core.options.config import OptionsConfig
from market.calendars import sessions_for
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.schema import graph_parse
from strategies.services import strategy_create
from tests.backtests.conftest import daily_bars
from tests.backtests.test_surroundings import csv_of
from tests.backtests.test_whole_way import drawn
from tests.options.walk import FREE, leg, market, opening, play

WAVE = daily_bars(np.round(100 + 20 * np.sin(np.arange(500) / 15) + np.arange(500) / 20, 2))
MONEY = {"options": {**FREE, "volatility_premium": 1.0}}


@pytest.fixture(autouse=True, scope="module")
def _warm_options():
    """Compile before the first test: a lease cannot be renewed inside a test's transaction."""
    play(market([100.0] * 9), opening(leg("sell put")))


def put_seller(**more):
    """Sells a put whenever the close crosses above its average; what is assigned is sold."""
    put = {"operation": "sell_put", "strike": {"by": "delta", "value": 0.3},
           "expiry": {"dte": 30, "policy": "nearest"}, "quantity": 2} | more  # fmt: skip
    return drawn(
        [
            ("close", "price", {}),
            ("average", "indicator", {"name": "sma", "period": 25}),
            ("up", "condition", {"operator": "crosses_above"}),
            ("put", "action", put),
            ("always", "condition", {"operator": "gt", "right": 0}),
            ("leave", "exit", {}),
        ],
        [
            ("close", "average", "source"),
            ("close", "up", "left"),
            ("average", "up", "right"),
            ("up", "put", "when"),
            ("close", "always", "left"),
            ("always", "leave", "when"),
        ],
    )


@pytest.fixture
def seller(user):
    return strategy_create(owner_id=user.id, name="Puts", graph=put_seller())


@pytest.fixture
def sold(waves, seller, new_run, work):
    run = work(new_run("WAVE", seller.id, capital=100_000.0, config=MONEY))
    assert run.status == "completed", run.error_message
    return run


def test_a_leg_is_a_trade_with_its_contract(sold):
    trades = list(sold.trades.order_by("number"))
    legs = [trade for trade in trades if trade.contract]
    assert len(legs) >= 4
    assert [trade.number for trade in trades] == list(range(1, len(trades) + 1))
    assert [trade.exit_bar for trade in trades] == sorted(trade.exit_bar for trade in trades)
    one = legs[0]
    assert (one.side, one.right, one.size, one.multiplier) == ("short", "put", 2.0, 100.0)
    assert one.contract == f"WAVE{one.expiry:%y%m%d}P{round(one.strike * 1000):08d}"
    assert one.strike < WAVE.close[one.entry_bar - 1]
    assert isinstance(one.expiry, date)
    assert one.pnl == pytest.approx(200 * (one.entry_price - one.exit_price))
    assert {trade.exit_reason for trade in legs} <= {"expired", "assigned", "end", "signal"}


def test_every_trade_counts_in_the_metrics_and_the_money_adds_up(sold):
    pnl = list(sold.trades.values_list("pnl", flat=True))
    assert sold.trade_count == sold.metrics["trades"] == len(pnl)
    assert sold.final_equity == pytest.approx(100_000 + sum(pnl))
    assert sold.winrate_pct == pytest.approx(100 * sum(one > 0 for one in pnl) / len(pnl))


def test_a_result_says_that_nobody_quoted_its_prices(api, sold):
    assert sold.warnings[0]["code"] == "synthetic_prices"
    assert sold.warnings[0]["message"].startswith("Synthetic prices")
    shown = api.get(f"/api/v1/backtests/{sold.id}").json()
    assert shown["synthetic_prices"] is True
    assert shown["config"]["options"]["volatility_premium"] == 1.0
    assert api.get(f"/api/v1/backtests/{sold.id}/results").json()["synthetic_prices"] is True
    rows = api.get(f"/api/v1/backtests/{sold.id}/trades").json()["results"]
    legs = [row for row in rows if row["contract"]]
    assert legs[0].keys() >= {"right", "strike", "expiry", "multiplier"}
    assert (
        legs[0]["expiry"] == sold.trades.filter(contract__isnull=False).first().expiry.isoformat()
    )


def test_a_run_of_shares_alone_has_no_contracts_and_no_label(api, done):
    shown = api.get(f"/api/v1/backtests/{done.id}").json()
    assert shown["synthetic_prices"] is False
    assert "options" not in shown["config"]
    row = api.get(f"/api/v1/backtests/{done.id}/trades").json()["results"][0]
    assert (row["contract"], row["right"], row["strike"], row["expiry"]) == (None,) * 4


def test_a_run_with_options_gives_the_same_bits_again(sold):
    found = run_reproduce(run=run_find(sold.id))
    assert found.identical, found.mismatches[:3]
    sold.trades.filter(contract__isnull=False).update(strike=1.0)
    (mismatch,) = run_reproduce(run=run_find(sold.id)).mismatches
    assert mismatch.what.endswith(".strike")


@pytest.mark.parametrize("which", ["sold", "done"])
def test_files_hold_the_contracts(api, request, which):
    run = request.getfixturevalue(which)
    url = f"/api/v1/backtests/{run.id}/export"
    rows = list(csv.DictReader(io.StringIO(api.get(url).content.decode())))
    table = pq.read_table(io.BytesIO(api.get(f"{url}?format=parquet").content)).to_pydict()
    everything = api.get(f"{url}?format=json").json()["trades"]
    has = which == "sold"
    assert any(row["contract"] for row in rows) == has
    assert any(table["strike"]) == has
    assert any(trade["expiry"] for trade in everything) == has


def test_a_strategy_that_trades_options_is_proved(api, waves, seller):
    body = api.post(
        f"/api/v1/strategies/{seller.id}/verify", {"symbol": "WAVE", "config": MONEY}
    ).json()
    assert (body["look_ahead"]["ok"], body["decisions"]["ok"]) == (True, True)
    assert body["decisions"]["fills"] >= 8
    assert body["replay"]["status"] == "not_run"
    assert "trades options, which backtesting.py has not" in body["replay"]["message"]


def test_the_options_part_of_a_configuration_is_read_and_pinned(waves, seller, new_run, work):
    plain = new_run("WAVE", seller.id, capital=100_000.0)
    assert plain.config["options"] == OptionsConfig().as_dict()
    dear = {"options": {"commission": {"per_unit": 50.0}}}
    costly = work(new_run("WAVE", seller.id, capital=100_000.0, config=dear))
    assert costly.metrics["commission_paid"] >= 50 * 2 * 4
    with pytest.raises(InvalidInput) as caught:
        new_run("WAVE", seller.id, config={"options": {"rate": 7}, "spread": -1})
    assert {detail.path for detail in caught.value.details} == {
        "config.options.rate",
        "config.spread",
    }


def test_settings_are_read_back_as_they_were_written():
    given = RunSettings.from_mapping({"cash": 5.0, "options": {"rate": 0.1}})
    assert RunSettings.from_mapping(given.as_dict()) == given
    bare = RunSettings.from_mapping({})
    assert "options" not in bare.as_dict()
    assert bare.as_dict(with_options=True)["options"] == OptionsConfig().as_dict()
    with pytest.raises(InvalidInput) as caught:
        RunSettings.from_mapping({"options": 3})
    assert caught.value.details[0].path == "options"


def test_the_command_line_prints_contracts(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "bars.csv").write_text(csv_of(WAVE))
    (tmp_path / "graph.json").write_text(json.dumps(put_seller()))
    (tmp_path / "config.json").write_text(json.dumps({"cash": 100_000, **MONEY}))
    arguments = ("--graph", str(tmp_path / "graph.json"), "--bars", f"W={tmp_path / 'bars.csv'}",
                 "--config", str(tmp_path / "config.json"))  # fmt: skip

    def run(kind):
        out = io.StringIO()
        call_command("backtest", *arguments, "--format", kind, stdout=out, stderr=io.StringIO())
        return out.getvalue()

    output = json.loads(run("json"))
    legs = [trade for trade in output["trades"] if "contract" in trade]
    assert legs[0]["contract"].startswith("W2")
    assert (legs[0]["right"], legs[0]["side"], legs[0]["quantity"]) == ("put", "short", 2.0)
    assert output["provenance"]["config"]["options"]["rate"] == 0.0
    assert output["warnings"][0]["code"] == "synthetic_prices"
    (first, *_) = [row for row in csv.DictReader(io.StringIO(run("csv"))) if row["contract"]]
    assert first["expiry"] == legs[0]["expiry"]
    assert "contract" in run("table")
    (tmp_path / "config.json").write_text('{"options": {"style": "bermudan"}}')
    with pytest.raises(CommandError, match=r"options\.style"):
        run("json")


# --- both tables as one ------------------------------------------------------------------------


def test_legs_and_shares_are_one_table_in_the_order_of_their_exits():
    # A put sold at 100 is assigned on Friday, bar 9; its shares are sold at the last close.
    result = play(market([100.0] * 9 + [95.0, 97.0]), opening(leg("sell put"), quantity=3))
    table = trades_of(result)
    assert table["quantity"].tolist() == [300.0, 300.0]
    assert table["exit_bar"].tolist() == [9, 10]
    assert table["pnl"].sum() == pytest.approx(result.equity[-1] - 100_000)
    assert exposure_of(result).tolist() == [0] + [3] * 8 + [300, 0]
    fills = fills_of(result)
    assert len(fills) == len(result.fills) + len(result.option_fills)
    sold = 300 * result.option_fills["price"][0]
    assert (fills["quantity"] * fills["price"]).sum() == pytest.approx(
        sold + 300 * 100 + 300 * 97, rel=1e-9
    )


# --- by the clock ------------------------------------------------------------------------------


def intraday_wave(sessions=40, a_session=7):
    """Hours of New York, 09:30 to 16:00, the last one half an hour."""
    around = sessions_for("XNYS", first_ts=WAVE.ts[0], last_ts=WAVE.ts[-1])
    first = int(np.searchsorted(around.opens, WAVE.ts[0]))
    opens = around.opens[first : first + sessions]
    ts = (opens[:, None] + np.arange(a_session) * 3_600 * 10**9).ravel()
    close = 100 + 10 * np.sin(np.arange(len(ts)) / 5)
    bars = Bars.from_arrays(
        ts=ts, open=close, high=close, low=close, close=close, volume=np.ones(len(ts))
    )
    return bars, Context(interval="1h", sessions=around)


@pytest.mark.parametrize("told", [True, False])
def test_options_on_bars_of_hours_do_not_know_how_the_session_ends(told):
    bars, context = intraday_wave()
    plan = graph_compile(graph_parse(put_seller(expiry={"dte": 7})), interval="1h")
    proof = fills_proof(
        plan=plan,
        bars=bars,
        config=RunConfig(cash=100_000.0),
        cuts=range(180, 230),
        context=context if told else Context(interval="1h"),
        options=OptionsConfig.from_mapping(MONEY["options"]),
    )
    assert (proof.ok, proof.fills >= 8) == (True, True)


def test_a_session_passes_by_the_clock():
    bars, context = intraday_wave(sessions=1)
    at_open, at_close = left_of_sessions(bars, context)
    hours = np.array([6.5, 5.5, 4.5, 3.5, 2.5, 1.5, 0.5, 0.0]) / 6.5
    assert at_open == pytest.approx(hours[:-1])
    assert at_close == pytest.approx(hours[1:])
    daily = left_of_sessions(WAVE, Context(interval="1d"))
    assert (set(daily[0]), set(daily[1])) == ({1.0}, {0.0})
