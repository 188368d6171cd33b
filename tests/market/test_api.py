"""The market over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from market import tasks
from market.archive import history_store
from market.intervals import interval_get
from market.models import BarSeries, Instrument
from tests.market.conftest import DAY, MONDAY

CSV = "ts,open,high,low,close,volume\n2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,100\n"


@pytest.fixture
def api(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def other_api(other_user) -> APIClient:
    client = APIClient()
    client.force_authenticate(other_user)
    return client


@pytest.fixture
def stored(goog, make_history) -> BarSeries:
    return history_store(
        instrument=goog,
        interval=interval_get("1d"),
        provider="sample",
        history=make_history(5, factor=[0.5] * 5),
    )


def upload(api: APIClient, text: str | bytes = CSV, **fields):
    data = text.encode() if isinstance(text, str) else text
    fields = {"symbol": "MINE", "interval": "1d"} | fields
    file = SimpleUploadedFile("bars.csv", data, content_type="text/csv")
    return api.post("/api/v1/imports/", {"file": file, **fields}, format="multipart")


@pytest.mark.parametrize(
    "path", ["instruments", "market", "market/GOOG", "bars?symbol=GOOG", "fetches"]
)
def test_nothing_is_shown_to_strangers(path, db):
    assert APIClient().get(f"/api/v1/{path}").status_code == 401


def test_bars_come_as_columns_with_epoch_milliseconds(api, stored):
    answer = api.get("/api/v1/bars?symbol=goog&start=2024-01-02&end=2024-01-03&adjusted=false")
    assert answer.status_code == 200
    body = answer.json()
    assert body["ts"] == [MONDAY // 10**6 + 86_400_000, MONDAY // 10**6 + 2 * 86_400_000]
    assert body["close"] == [101.0, 102.0]
    assert (body["rows"], body["interval"], body["provider"]) == (2, "1d", "sample")
    assert body["snapshot"] == stored.content_hash
    assert api.get("/api/v1/bars/?symbol=GOOG").json()["close"][0] == 50.0


@pytest.mark.parametrize(
    ("query", "path", "words"),
    [
        ("", "symbol", "required"),
        ("symbol=GOGO", "symbol", "did you mean GOOG"),
        ("symbol=GOOG&interval=7d", "interval", "not an interval"),
        ("symbol=GOOG&interval=1h", "interval", "only 1d"),
        ("symbol=GOOG&start=yesterday", "start", "not a day or time"),
        ("symbol=GOOG&start=2024-02-30", "start", "not a day or time"),
        ("symbol=GOOG&start=2025-01-01", "start", "stored are 2024-01-01 to 2024-01-05"),
        ("symbol=GOOG&start=9999-12-31&end=9999-12-31", "start", "stored are"),
        ("symbol=GOOG&start=2024-01-03&end=2024-01-02", "", "swap them"),
        ("symbol=%2E%2E%2Fx", "symbol", "cannot be a symbol"),
    ],
)
def test_a_question_that_cannot_be_answered_is_422_and_says_how_to_ask(
    api, stored, query, path, words
):
    answer = api.get(f"/api/v1/bars?{query}")
    assert answer.status_code == 422
    body = answer.json()
    assert words in body["message"]
    assert [detail["path"] for detail in body["details"]] == ([path] if path else [])


def test_more_bars_than_an_answer_may_have_are_refused_with_the_numbers(api, stored, settings):
    settings.BARS_MAX_ROWS = 4
    answer = api.get("/api/v1/bars?symbol=GOOG")
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_bars")
    assert "5 bars" in answer.json()["message"]
    assert api.get("/api/v1/bars?symbol=GOOG&start=2024-01-02").status_code == 200


def test_a_moment_may_have_an_offset_in_a_query(api, goog, make_history):
    history_store(
        instrument=goog, interval=interval_get("1h"), provider="sample",
        history=make_history(24, step=DAY // 24),
    )  # fmt: skip
    answer = api.get(
        "/api/v1/bars?symbol=GOOG&interval=60m&start=2024-01-01T12:00:00+02:00"
        "&end=2024-01-01T11:00Z"
    )
    assert answer.json()["close"] == [110.0, 111.0]


def test_the_market_shows_each_instrument_with_its_bars_and_latest_price(api, stored):
    Instrument.objects.create(symbol="EMPTY")
    (shown,) = api.get("/api/v1/market").json()["results"]
    assert (shown["symbol"], shown["latest"]["price"]) == ("GOOG", "104.0")
    assert shown["latest"]["ts"] == "2024-01-05T00:00:00Z"
    assert [series["rows"] for series in shown["series"]] == [5]
    # One alone has the quote too, once a provider was asked.
    assert api.get("/api/v1/market/goog/").json() == shown | {"quote": None}
    empty = api.get("/api/v1/market/EMPTY").json()
    assert (empty["latest"], empty["series"]) == (None, [])
    missing = api.get("/api/v1/market/GOGO")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_symbol")


def test_a_symbol_with_a_slash_has_a_page_too(api, db):
    Instrument.objects.create(symbol="BTC/USDT")
    for path in ("BTC/USDT", "BTC%2FUSDT/", "btc/usdt/"):
        assert api.get(f"/api/v1/market/{path}").json()["symbol"] == "BTC/USDT"


def test_the_lists_cost_the_same_queries_however_long_they_are(api, make_history):
    counts = []
    for round_of in range(2):
        for number in range(3):
            instrument = Instrument.objects.create(symbol=f"S{round_of}{number}")
            history_store(
                instrument=instrument, interval=interval_get("1d"), provider="sample",
                history=make_history(2),
            )  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            assert len(api.get("/api/v1/market").json()["results"]) == 3 * (round_of + 1)
        counts.append(len(queries))
    assert counts == [2, 2]


def test_instruments_are_searched_filtered_and_paged_by_symbol(api, db):
    for symbol, name, kind in (
        ("AAPL", "Apple Inc.", "equity"),
        ("APLE", "Apple Hospitality", "equity"),
        ("BTC-USD", "Bitcoin", "crypto"),
    ):
        Instrument.objects.create(symbol=symbol, name=name, asset_class=kind)

    def symbols(query: str) -> list[str]:
        return [row["symbol"] for row in api.get(f"/api/v1/instruments?{query}").json()["results"]]

    assert symbols("search=apple") == ["AAPL", "APLE"]
    assert symbols("asset_class=crypto") == ["BTC-USD"]
    page = api.get("/api/v1/instruments?limit=2").json()
    assert [row["symbol"] for row in page["results"]] == ["AAPL", "APLE"]
    assert [row["symbol"] for row in api.get(page["next"]).json()["results"]] == ["BTC-USD"]
    assert api.get("/api/v1/instruments?asset_class=stamps").status_code == 422


def test_an_import_belongs_to_whoever_made_it(api, other_api):
    answer = upload(api)
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/v1/market/MINE/"
    assert (answer.json()["rows"], answer.json()["private"]) == (2, True)
    assert api.get("/api/v1/bars?symbol=MINE").json()["close"] == [11.0, 12.0]
    assert api.get("/api/v1/instruments").json()["results"][0]["private"]
    assert other_api.get("/api/v1/bars?symbol=MINE").status_code == 422
    assert other_api.get("/api/v1/market/MINE").status_code == 404
    assert other_api.get("/api/v1/instruments").json()["results"] == []
    assert other_api.get("/api/v1/market").json()["results"] == []
    # The same name is free for others.
    assert upload(other_api, symbol="mine").status_code == 201


def test_a_second_import_is_merged_into_the_first(api, db):
    upload(api)
    later = CSV.replace("2024-01-02", "2024-01-04").replace("2024-01-03", "2024-01-05")
    assert upload(api, later).json()["rows"] == 4
    assert upload(api, later, replace="true").json()["rows"] == 2


@pytest.mark.parametrize(
    ("text", "fields", "status", "path"),
    [
        (CSV + "2024-01-04,1,2,3,4,5\n", {}, 422, "bars[2].high"),
        (CSV, {"interval": "1mo"}, 422, "bars[1].ts"),
        (CSV, {"symbol": "../x"}, 422, "symbol"),
        (CSV, {"asset_class": "stamps"}, 422, "asset_class"),
        ("", {}, 422, "file"),
        (b"\x1f\x8b\x08\x00 gz", {}, 422, None),
    ],
)
def test_an_import_that_is_wrong_stores_nothing_and_says_where(api, text, fields, status, path):
    answer = upload(api, text, **fields)
    assert answer.status_code == status, answer.json()
    if path:
        assert answer.json()["details"][0]["path"] == path
    assert not BarSeries.objects.exists()


def test_an_import_that_is_too_large_is_413_and_one_that_is_no_form_is_4xx(api, settings):
    settings.IMPORT_MAX_BYTES = 10
    answer = upload(api)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert api.post("/api/v1/imports", {"symbol": "X"}, format="json").status_code == 415
    broken = api.post("/api/v1/imports", b"x", content_type="multipart/form-data; boundary=a")
    assert broken.status_code in {400, 422}


def test_a_fetch_is_accepted_with_its_place_and_later_completed(api, other_api):
    answer = api.post(
        "/api/v1/fetches",
        {"symbol": "goog", "provider": "sample", "start": "2013-01-01", "interval": "daily"},
    )
    assert answer.status_code == 202
    place = answer.headers["Location"]
    assert answer.json()["status"] == "queued"
    assert api.get(place).json()["id"] == answer.json()["id"]
    assert other_api.get(place).status_code == 404
    tasks.fetch(answer.json()["id"])
    done = api.get(place).json()
    assert (done["status"], done["rows"], done["error"]) == ("completed", 41, None)
    assert done["series"]["symbol"] == "GOOG"
    assert other_api.get("/api/v1/bars?symbol=GOOG").json()["rows"] == 41
    assert other_api.get("/api/v1/fetches").json()["results"] == []
    assert len(api.get("/api/v1/fetches?status=completed").json()["results"]) == 1


def test_a_fetch_that_failed_says_why(api):
    answer = api.post("/api/v1/fetches", {"symbol": "NOSUCH", "provider": "sample"})
    tasks.fetch(answer.json()["id"])
    failed = api.get(answer.headers["Location"]).json()
    assert (failed["status"], failed["error"]["code"]) == ("failed", "unknown_symbol")


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({}, 422, "symbol"),
        ({"symbol": "GOOG", "provider": "bloomberg"}, 422, "provider"),
        ({"symbol": "GOOG", "interval": "9x"}, 422, "interval"),
        ({"symbol": "GOOG", "provider": "sample", "interval": "1m"}, 422, "interval"),
        ({"symbol": "GOOG", "start": "soon"}, 422, "start"),
        ({"symbol": "GOOG", "provider": "sample", "replace": True}, 403, None),
    ],
)
def test_a_fetch_that_cannot_be_is_refused_at_once(api, body, status, path):
    answer = api.post("/api/v1/fetches", body)
    assert answer.status_code == status
    if path:
        assert answer.json()["details"][0]["path"] == path


def test_times_of_the_catalogue_are_iso_utc(api, stored):
    series = api.get("/api/v1/market/GOOG").json()["series"][0]
    assert datetime.fromisoformat(series["last_ts"]) == datetime(2024, 1, 5, tzinfo=UTC)


def test_bars_come_as_csv_and_arrow_to_those_who_ask_for_them(api, stored):
    path = "/api/v1/bars?symbol=GOOG&start=2024-01-02&end=2024-01-03&adjusted=false"
    text = api.get(f"{path}&format=csv")
    assert text.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert text.content.decode().splitlines() == [
        "ts,open,high,low,close,volume",
        "2024-01-02T00:00:00Z,100.5,102.0,100.0,101.0,1000.0",
        "2024-01-03T00:00:00Z,101.5,103.0,101.0,102.0,1000.0",
    ]
    arrow = api.get(path, headers={"Accept": "application/vnd.apache.arrow.stream"})
    table = pa.ipc.open_stream(b"".join(arrow) if arrow.streaming else arrow.content).read_all()
    assert table.column("close").to_pylist() == [101.0, 102.0]
    assert table.schema.metadata[b"snapshot"].decode() == stored.content_hash
    assert api.get(f"{path}&format=xml").status_code == 422
    assert api.get(path).json()["rows"] == 2


def test_prices_are_adjusted_as_somebody_saw_them_on_a_day(api, goog, make_history):
    # A 2-for-1 split after the second day, a dividend of 10% after the fourth.
    history_store(
        instrument=goog,
        interval=interval_get("1d"),
        provider="sample",
        history=make_history(
            6, factor=[0.45, 0.45, 0.9, 0.9, 1.0, 1.0], split=[0.5, 0.5, 1.0, 1.0, 1.0, 1.0]
        ),
    )

    def seen(**query):
        params = {"symbol": "GOOG"} | query
        return api.get("/api/v1/bars", params).json()

    assert seen()["close"][0] == pytest.approx(100 * 0.45)
    # On the third day nobody knew of the dividend to come.
    third = seen(as_of="2024-01-03", end="2024-01-03")
    assert third["close"] == pytest.approx([100 * 0.5, 101 * 0.5, 102])
    assert third["volume"] == pytest.approx([2000, 2000, 1000])
    first = seen(as_of="2024-01-02", end="2024-01-02")
    assert first["close"] == [100, 101]
    assert first["volume"] == [1000, 1000]
    before = api.get("/api/v1/bars", {"symbol": "GOOG", "as_of": "2023-01-01"})
    assert (before.status_code, before.json()["code"]) == (422, "no_bars_in_range")


def test_prices_come_with_splits_and_dividends_in_them_or_beside_them(api, goog, make_history):
    # 2 for 1 before the third day, with half a per cent of 50.5 in cash.
    factor = [0.4975, 0.4975, 1.0]
    history_store(
        instrument=goog,
        interval=interval_get("1d"),
        provider="sample",
        history=make_history(3, factor=factor, split=[0.5, 0.5, 1.0]),
    )

    def read(adjusted, **query):
        return api.get("/api/v1/bars", {"symbol": "GOOG", "adjusted": adjusted} | query)

    raw, splits = read("raw").json(), read("splits").json()
    assert (raw["adjustment"], raw["adjusted"], raw["close"]) == ("raw", False, [100, 101, 102])
    third = MONDAY // 10**6 + 2 * 86_400_000
    assert raw["actions"] == [
        {"ts": third, "split": 2.0, "dividend": pytest.approx(0.2525, rel=1e-6)}
    ]
    assert (splits["adjustment"], splits["close"]) == ("splits", [50, 50.5, 102])
    assert splits["actions"] == [
        {"ts": third, "split": 1.0, "dividend": pytest.approx(0.2525, rel=1e-6)}
    ]
    for same in ("all", "true", "1"):
        assert (read(same).json()["adjustment"], read(same).json()["actions"]) == ("all", [])
    assert read("false").json()["close"] == raw["close"]
    assert b"50.5," in read("splits", format="csv").content
    refused = read("some")
    assert (refused.status_code, refused.json()["details"][0]["path"]) == (422, "adjusted")
