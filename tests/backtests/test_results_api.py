"""Results over HTTP: trades, equity, charts, files, comparisons, and what changes a run."""

from __future__ import annotations

import base64
import io
import json
from itertools import pairwise
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.backtests.charts import CHART_TYPES
from core.metrics.keys import KEYS


def body_of(response, status=200):
    assert response.status_code == status, response.content[:500]
    return json.loads(response.content)


def queries_of(call):
    with CaptureQueriesContext(
        connection,
    ) as caught:
        call()
    return [query["sql"] for query in caught.captured_queries if "SAVEPOINT" not in query["sql"]]


def test_trades_come_page_by_page_in_the_order_of_their_exits(api, done):
    first = body_of(api.get(f"/api/v1/backtests/{done.id}/trades?limit=3"))
    assert [trade["number"] for trade in first["results"]] == [1, 2, 3]
    second = body_of(api.get(first["next"]))
    assert [trade["number"] for trade in second["results"]][:1] == [4]
    assert second["previous"]
    trade = first["results"][0]
    assert trade["entry_time"].endswith("Z")
    assert trade["duration_seconds"] == (trade["exit_bar"] - trade["entry_bar"]) * 86_400


def test_equity_is_there_point_by_point_and_by_range(api, done):
    url = f"/api/v1/backtests/{done.id}/equity"
    whole = body_of(api.get(url))
    assert (whole["total"], len(whole["equity"]), whole["next"]) == (500, 500, None)
    part = body_of(api.get(f"{url}?start=2020-02-01&end=2020-02-03"))
    assert part["dates"] == [1580515200000, 1580601600000, 1580688000000]
    assert part["equity"] == whole["equity"][26:29]
    assert part["drawdown_pct"] == whole["drawdown_pct"][26:29]
    pages, at = [], f"{url}?limit=200"
    while at:
        page = body_of(api.get(at))
        pages += page["equity"]
        at = page["next"]
    assert pages == whole["equity"]
    assert body_of(api.get(f"{url}?start=1990-01-01&end=1990-01-02"))["equity"] == []
    assert body_of(api.get(f"{url}?points=1"), 422)["details"][0]["path"] == "points"


def test_thinned_equity_keeps_its_extremes(api, done):
    url = f"/api/v1/backtests/{done.id}/equity"
    whole, thin = body_of(api.get(url)), body_of(api.get(f"{url}?points=40"))
    assert len(thin["equity"]) <= 40
    assert max(thin["equity"]) == max(whole["equity"])
    assert min(thin["equity"]) == min(whole["equity"])
    assert thin["equity"][-1] == whole["equity"][-1]
    assert all(a < b for a, b in pairwise(thin["dates"]))


@pytest.mark.parametrize("kind", ["equity", "drawdown", "returns", "price", "monthly", "trades"])
def test_charts_are_images(api, done, kind):
    url = f"/api/v1/backtests/{done.id}/chart?chart_type={kind}"
    shown = body_of(api.get(url))
    assert (shown["chart_type"], shown["content_type"]) == (kind, "image/png")
    png = base64.b64decode(shown["image"])
    assert png.startswith(b"\x89PNG")
    plain = api.get(url, headers={"Accept": "image/png"})
    assert (plain.headers["Content-Type"], plain.content) == ("image/png", png)
    svg = api.get(url, headers={"Accept": "image/svg+xml"})
    assert svg.headers["Content-Type"].startswith("image/svg+xml")
    assert b"<svg" in svg.content


@pytest.mark.parametrize("symbol", ["TINY", "WAVE"])
def test_charts_of_a_run_that_could_buy_nothing_or_has_five_bars(
    api, tiny, waves, new_run, work, symbol
):
    strategy, capital = {"TINY": ("buy_and_hold", 1000.0), "WAVE": ("sma_cross", 1.0)}[symbol]
    run = work(new_run(symbol, strategy, capital=capital))
    assert run.trade_count == (1 if symbol == "TINY" else 0)
    for kind in CHART_TYPES:
        body_of(api.get(f"/api/v1/backtests/{run.id}/chart?chart_type={kind}"))


def test_an_unknown_chart_is_told_as_json_whatever_is_accepted(api, done):
    response = api.get(
        f"/api/v1/backtests/{done.id}/chart?chart_type=pie", headers={"Accept": "image/png"}
    )
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/json"
    assert "drawdown" in json.loads(response.content)["message"]


def test_exports_hold_the_trades(api, done):
    url = f"/api/v1/backtests/{done.id}/export"
    trades = list(done.trades.order_by("number").values_list("pnl", flat=True))
    answer = api.get(url)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert f"backtest-WAVE-{done.id}-trades.csv" in answer.headers["Content-Disposition"]
    header, *rows = answer.content.decode().splitlines()
    column = header.split(",").index("pnl")
    assert [float(row.split(",")[column]) for row in rows] == trades
    table = pq.read_table(io.BytesIO(api.get(f"{url}?format=parquet").content))
    assert table.column("pnl").to_pylist() == trades
    whole = json.loads(api.get(f"{url}?format=json").content)
    assert [trade["pnl"] for trade in whole["trades"]] == trades
    assert len(whole["equity"]["equity"]) == 500
    bars = api.get(f"{url}?table=equity").content.decode().splitlines()
    assert (len(bars), bars[1].startswith("2020-01-06T00:00:00")) == (501, True)
    assert api.get(f"{url}?format=exe").status_code == 422


def test_results_hold_the_run_and_are_refused_before_there_are_any(api, done, tiny, new_run):
    body = body_of(api.get(f"/api/v1/backtests/{done.id}/results"))
    assert body["run"]["snapshot"] == done.snapshot
    assert body["metrics"] == done.metrics
    queued = new_run()
    refused = body_of(api.get(f"/api/v1/backtests/{queued.id}/results"), 409)
    assert "wait" in refused["message"]


def test_runs_are_compared_side_by_side_in_two_queries(api, done, waves, new_run, work, tiny):
    other, queued = work(new_run("WAVE", "buy_and_hold")), new_run()
    ids = f"{other.id},{done.id},{queued.id}"
    body = body_of(api.get(f"/api/v1/backtests/compare?ids={ids}"))
    assert [row["id"] for row in body["runs"]] == [str(other.id), str(done.id), str(queued.id)]
    assert body["metrics"]["sharpe"] == [other.sharpe, done.sharpe, None]
    assert body["equity"][1]["equity"][0] == 100
    assert body["equity"][2] is None
    assert len(queries_of(lambda: api.get(f"/api/v1/backtests/compare?ids={ids}"))) == 1
    for bad in ("", "x", ",".join([str(uuid4())] * 1), ",".join(str(uuid4()) for _ in range(21))):
        assert api.get(f"/api/v1/backtests/compare?ids={bad}").status_code in {404, 422}


def test_a_run_is_canceled_retried_and_deleted(api, tiny, new_run, work):
    run = new_run()
    assert body_of(api.post(f"/api/v1/backtests/{run.id}/cancel"))["status"] == "canceled"
    assert body_of(api.post(f"/api/v1/backtest/{run.id}/retry"), 202)["status"] == "queued"
    assert work(run).status == "completed"
    assert body_of(api.post(f"/api/v1/backtests/{run.id}/cancel"), 409)["code"] == "finished"
    assert api.delete(f"/api/v1/backtests/{run.id}").status_code == 204
    assert api.get(f"/api/v1/backtests/{run.id}").status_code == 404


@pytest.mark.parametrize("url", ["{id}", "{id}/results", "compare?ids={id}"])
def test_metrics_come_in_the_order_of_reports(api, done, url):
    answer = api.get(f"/api/v1/backtests/{url.format(id=done.id)}")
    assert list(body_of(answer)["metrics"]) == list(KEYS)
