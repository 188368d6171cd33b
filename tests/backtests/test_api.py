"""The backtests API: shapes, errors, scope, lists, charts, files."""

from __future__ import annotations

import base64
import json
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.backtests.api.bodies import finished_body
from core.backtests.models import BacktestRun

QUICK = {
    "ticker": "WAVE",
    "startDate": "2020-01-01",
    "endDate": "2030-01-01",
    "strategy": "SMA",
    "capital": 10000,
}
URLS = (
    ("get", "backtests/{id}"),
    ("delete", "backtests/{id}"),
    ("get", "backtests/{id}/results"),
    ("get", "backtests/{id}/trades"),
    ("get", "backtests/{id}/equity"),
    ("get", "backtests/{id}/chart"),
    ("get", "backtests/{id}/export"),
    ("post", "backtests/{id}/cancel"),
    ("post", "backtests/{id}/retry"),
    ("get", "backtests/compare?ids={id}"),
)


def body_of(response, status=200):
    assert response.status_code == status, response.content[:500]
    return json.loads(response.content)


def queries_of(call):
    with CaptureQueriesContext(
        connection,
    ) as caught:
        call()
    return [query["sql"] for query in caught.captured_queries if "SAVEPOINT" not in query["sql"]]


def test_the_form_of_a_front_end_becomes_a_run_with_a_pinned_version(api, waves, work):
    response = api.post("/api/v1/backtest", QUICK)
    shown = body_of(response, 202)
    assert response.headers["Location"] == f"/api/v1/backtests/{shown['id']}/"
    assert (shown["status"], shown["ticker"], shown["version"]) == ("queued", "WAVE", 1)
    assert (shown["start"], shown["end"]) == ("2020-01-01", "2030-01-01")
    assert response.waitable.default_wait_s == 10
    assert response.waitable.look() is None
    run = work(shown)
    answer = json.loads(
        json.dumps(
            response.waitable.look(),
            default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value),
        )
    )
    assert list(answer) == ["id", "status", "metrics", "price_chart", "equity_chart", "trades"]
    assert answer["metrics"]["trades"] == len(answer["trades"]) == run.trade_count


def test_the_charts_of_a_result_line_up_with_their_dates(done):
    body = finished_body(owner_id=done.owner_id, run_id=done.id)
    price, equity = body["price_chart"], body["equity_chart"]
    assert {len(price[name]) for name in ("dates", "close", "buy_signals", "sell_signals")} == {500}
    assert len(price["sma1"]) == len(price["sma2"]) == 500
    assert price["dates"][0] == 1578268800000  # 2020-01-06, epoch milliseconds
    assert np.isnan(price["sma1"][0])
    assert (equity["equity"][0], len(equity["dates"])) == (10000.0, 500)
    bought = np.flatnonzero(~np.isnan(price["buy_signals"]))
    entries = [trade["entry_bar"] for trade in body["trades"] if trade["side"] == "long"]
    assert bought.tolist() == entries
    assert price["buy_signals"][entries[0]] == body["trades"][0]["entry_price"]


def test_a_run_that_failed_tells_a_waiting_caller_why(tiny, new_run, work):
    run = new_run()
    tiny.series.all().delete()
    work(run)
    body = finished_body(owner_id=run.owner_id, run_id=run.id)
    assert (body["status"], body["metrics"]) == ("failed", None)
    assert body["error"]["code"] == "unknown_snapshot"


def test_somebody_who_waits_for_a_deleted_run_gets_no_error(tiny, new_run):
    run = new_run()
    assert finished_body(owner_id=run.owner_id, run_id=uuid4()) is None


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"ticker": "WAVY"}, "symbol", "WAVE"),
        ({"ticker": "X" * 21}, "ticker", "20"),
        ({"strategy": "x" * 101}, "strategy", "100"),
        ({"strategy": "astrology"}, "template", "sma_cross"),
        ({"capital": "NaN"}, "capital", "finite number"),
        ({"capital": float("1e400") if False else "Infinity"}, "capital", "finite number"),
        ({"capital": True}, "capital", "finite number"),
        ({"capital": 0}, "capital", "above 0"),
        ({"capital": None}, "capital", "null"),
        ({"startDate": "yesterday"}, "startDate", "2015-01-31"),
        ({"startDate": "2031-01-01"}, "end", "later end"),
        ({"startDate": "0001-01-01"}, "startDate", "1900"),
        ({"startDate": "1990-01-01", "endDate": "1991-01-01"}, "start", "2020-01-06"),
        ({"endDate": 5}, "endDate", "2015-01-31"),
        ({"interval": "fortnight"}, "interval", "1d"),
        ({"commission": 7}, "commission", "at most 0.5"),
        ({"commission": {"percnt": 1}}, "percnt", "percent"),
        ({"parameters": {"fast": "quick"}}, "fast", ""),
        ({"parameters": []}, "parameters", ""),
    ],
)  # fmt: skip
def test_bad_input_is_a_422_that_says_where_and_how_to_fix_it(api, waves, change, path, words):
    answer = body_of(api.post("/api/v1/backtest", QUICK | change), 422)
    assert set(answer) == {"code", "message", "details", "request_id"}
    assert answer["details"]
    assert any(path in detail["path"] for detail in answer["details"])
    assert words in answer["message"] + str(answer["details"])
    assert not BacktestRun.objects.exists()


def test_all_missing_fields_are_told_at_once(api):
    answer = body_of(api.post("/api/v1/backtest", {}), 422)
    missing = {detail["path"] for detail in answer["details"]}
    assert missing == {"ticker", "startDate", "endDate", "strategy", "capital"}


@pytest.mark.parametrize("body", ["{", "[1]", "7", ""])
def test_a_malformed_body_is_no_server_error(api, body):
    response = api.generic("POST", "/api/v1/backtest", body, content_type="application/json")
    assert response.status_code in {400, 422}
    assert set(json.loads(response.content)) == {"code", "message", "details", "request_id"}


def test_the_full_form_takes_a_strategy_costs_and_labels(api, waves, work, new_run):
    strategy = new_run("WAVE", "sma_cross").strategy_id
    form = {
        "strategy_id": str(strategy),
        "symbols": ["wave"],
        "start": "2020-02-01T00:00:00Z",
        "end": "2020-12-31",
        "initial_capital": 5000,
        "config": {"commission": {"percent": 0.002}},
        "name": "Mine",
        "tags": ["a", "b"],
    }
    for path in ("backtests", "backtest"):
        shown = body_of(api.post(f"/api/v1/{path}", form), 202)
        assert (shown["capital"], shown["name"], shown["tags"]) == (5000.0, "Mine", ["a", "b"])
        assert shown["config"]["commission"]["percent"] == 0.002
        assert shown["start"] == "2020-02-01T00:00:00Z"
        assert work(shown).status == "completed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"symbols": ["WAVE", "TINY"], "universe": "both"}, "not both"),
        ({"paramters": {}}, "parameters"),
        ({"ticker": "WAVE"}, "send one of them"),
        ({"version": 99}, "version"),
        ({"capital": None, "config": {}}, "null"),
    ],
)
def test_the_full_form_refuses_what_it_does_not_know(api, waves, change, words):
    form = {
        "strategy_id": "sma_cross",
        "symbols": ["WAVE"],
        "start": "2020-01-01",
        "end": "2030-01-01",
        "capital": 10000,
    }
    response = api.post("/api/v1/backtests", form | change)
    assert response.status_code in {404, 422}
    assert words in response.content.decode()


def test_fractions_of_costs_become_the_configuration_s_units(api, waves):
    shown = body_of(
        api.post("/api/v1/backtest", QUICK | {"commission": 0.001, "slippage": 0.0005}), 202
    )
    assert shown["config"]["commission"]["percent"] == 0.001
    assert shown["config"]["slippage"]["bps"] == 5


@pytest.mark.parametrize(("method", "url"), URLS)
def test_another_user_s_run_is_not_found(done, stranger, method, url):
    from rest_framework.test import APIClient

    other = APIClient()
    other.force_authenticate(stranger)
    response = getattr(other, method)("/api/v1/" + url.format(id=done.id))
    assert response.status_code == 404
    assert json.loads(response.content)["code"] == "not_found"
    assert BacktestRun.objects.filter(id=done.id, status="completed").exists()


@pytest.mark.parametrize(("method", "url"), [*URLS, ("get", "backtests"), ("post", "backtest")])
def test_nobody_gets_in_without_logging_in(client, db, method, url):
    response = getattr(client, method)("/api/v1/" + url.format(id=uuid4()))
    assert response.status_code == 401


@pytest.mark.parametrize("url", [url for method, url in URLS if method == "get"])
def test_every_url_is_there_without_the_s_and_with_a_slash(api, done, url):
    path, _, query = url.format(id=done.id).partition("?")
    spellings = [f"{path}/?{query}"]
    if "compare" not in path:
        spellings.append(f"{path.replace('backtests', 'backtest')}?{query}")
    for spelling in spellings:
        assert api.get(f"/api/v1/{spelling}").status_code == 200


def test_a_list_shows_only_one_s_own_runs_newest_first(api, tiny, new_run, stranger):
    first, second = new_run(), new_run(name="second")
    new_run().__class__.objects.filter(name="").exclude(id=first.id).update(owner=stranger)
    results = body_of(api.get("/api/v1/backtests"))["results"]
    assert [row["id"] for row in results] == [str(second.id), str(first.id)]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("ticker=tiny", 1),
        ("ticker=NONE", 0),
        ("strategy=buy_and_hold", 1),
        ("strategy=sma_cross", 1),
        ("status=completed", 1),
        ("status=queued&status=completed", 2),
        ("start=2020-01-01", 2),
        ("start=2020-01-02", 0),
        ("end=2030-01-01", 2),
        ("created_after=2100-01-01T00:00:00Z", 0),
        ("tag=mine", 1),
    ],
)
def test_lists_filter(api, tiny, waves, new_run, work, query, count):
    work(new_run("WAVE", "sma_cross"))
    new_run(tags=("mine",))
    assert len(body_of(api.get(f"/api/v1/backtests?{query}"))["results"]) == count


@pytest.mark.parametrize("query", ["status=dead", "ordering=owner", "start=soon", "cursor=xyz"])
def test_a_bad_query_of_a_list_is_told(api, query):
    response = api.get(f"/api/v1/backtests?{query}")
    assert response.status_code in {404, 422}


@pytest.mark.parametrize("place", ["p=garbage", "p=2020", "p=nan"])
@pytest.mark.parametrize("query", ["", "ordering=sharpe&"])
def test_a_cursor_of_another_list_is_no_server_error(api, place, query):
    cursor = base64.b64encode(place.encode()).decode()
    response = api.get(f"/api/v1/backtests?{query}cursor={cursor}")
    assert response.status_code in {200, 404}


def test_lists_order_by_a_metric_and_leave_out_who_has_none(api, waves, tiny, new_run, work):
    runs = [work(new_run("WAVE", "sma_cross", parameters={"fast": n})) for n in (3, 7, 12)]
    new_run()
    rows = body_of(api.get("/api/v1/backtests?ordering=-total_return_pct&limit=2"))
    returns = [row["total_return_pct"] for row in rows["results"]]
    rest = body_of(api.get(rows["next"]))["results"]
    returns += [row["total_return_pct"] for row in rest]
    assert returns == sorted((run.total_return_pct for run in runs), reverse=True)


def test_a_list_costs_as_many_queries_with_many_rows_as_with_one(api, tiny, new_run):
    new_run()
    one = queries_of(lambda: api.get("/api/v1/backtests"))
    for _ in range(5):
        new_run()
    many = queries_of(lambda: api.get("/api/v1/backtests"))
    assert len(one) == len(many) == 1


def test_the_quick_backtest_costs_a_known_number_of_queries(api, waves, work):
    work(body_of(api.post("/api/v1/backtest", QUICK), 202))
    asked = queries_of(lambda: api.post("/api/v1/backtest", QUICK))
    run = BacktestRun.objects.filter(status="queued").get()
    done = queries_of(lambda: work(run))
    looked = queries_of(lambda: finished_body(owner_id=run.owner_id, run_id=run.id))
    assert (len(asked), len(done), len(looked)) == (8, 17, 2)
