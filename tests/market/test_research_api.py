"""Reports, universes, watches, providers and credentials over HTTP."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from core.accounts.models import User
from core.errors import NotFound, Permanent
from core.sealing import resealed, sealed, unsealed
from market import refresh, tasks
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from market.keys import credentials_of
from market.models import BarSeries, Fetch, ProviderKey, Universe, Watch
from market.quality.sift import RejectedBar
from market.reports import report_ensure
from market.selectors import universe_symbols
from market.services.keys import keys_reseal
from market.services.universes import universe_create, universes_load
from tests.market.conftest import DAY, MONDAY, days
from tests.market.exchanges import Alpaca, weekdays
from tests.market.loopback import served

SECRET = "the-secret-of-ann"


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
def gapped(goog) -> BarSeries:
    # New Year and a weekend are no sessions; Wednesday the 3rd is missing.
    bars = days(12)
    keep = np.isin(np.arange(12), [1, 3, 4, 7, 8, 9, 10, 11])
    bad = RejectedBar(
        MONDAY + 2 * DAY,
        {"open": 1.0, "high": 1.0, "low": 2.0, "close": float("nan"), "volume": 0.0},
        "not_finite",
        "A value is not a number.",
    )
    return history_store(
        instrument=goog,
        interval=interval_get("1d"),
        provider="sample",
        history=History.from_bars(bars).take(keep),
        rejected=[bad],
    )


def test_the_report_on_bars_names_gaps_and_shows_the_quarantine(api, gapped):
    answer = api.get("/api/v1/quality?symbol=goog&interval=daily")
    (report,) = answer.json()["reports"]
    assert (report["severity"], report["rows"], report["quarantined"]) == ("warning", 8, 1)
    assert report["counts"] == {"gap": 1, "quarantined": 1}
    gap = next(finding for finding in report["findings"] if finding["code"] == "gap")
    assert (gap["start"], gap["end"], gap["bars"]) == ("2024-01-03", "2024-01-03", 1)
    (row,) = report["quarantine"]
    assert (row["code"], row["close"], row["ts"]) == (
        "not_finite",
        None,
        (MONDAY + 2 * DAY) // 10**6,
    )
    assert api.get("/api/v1/quality?symbol=GOOG&interval=1h").json()["reports"] == []
    assert api.get("/api/v1/quality?symbol=NOSUCH").status_code == 404
    assert APIClient().get("/api/v1/quality?symbol=GOOG").status_code == 401


def test_the_report_on_private_bars_is_shown_to_their_owner_alone(api, other_api, goog, user):
    history_store(
        instrument=goog,
        interval=interval_get("1d"),
        provider="csv",
        history=History.from_bars(days(5, first=MONDAY + DAY)),
        owner_id=user.id,
    )
    assert len(api.get("/api/v1/quality?symbol=GOOG").json()["reports"]) == 1
    assert other_api.get("/api/v1/quality?symbol=GOOG").json()["reports"] == []


def test_the_command_checks_bars_and_fails_where_they_are_bad_enough(gapped):
    out = StringIO()
    call_command("check_bars", "goog", stdout=out)
    assert "warning" in out.getvalue()
    with pytest.raises(CommandError, match="severity warning"):
        call_command("check_bars", "--fail-on", "warning", stdout=StringIO())
    out = StringIO()
    call_command("check_bars", "--findings", "--format", "json", stdout=out)
    assert '"2024-01-03"' in out.getvalue()
    with pytest.raises(CommandError, match="no such bars"):
        call_command("check_bars", "IBM", stdout=StringIO())


def test_a_universe_keeps_the_order_and_each_symbol_once(api):
    body = {"name": "Mine", "symbols": ["goog", "AAPL", "GOOG", "btc/usdt"]}
    answer = api.post("/api/v1/universes", body, format="json")
    assert answer.status_code == 201
    assert answer.json()["symbols"] == ["GOOG", "AAPL", "BTC/USDT"]
    assert answer.headers["Location"] == "/api/v1/universes/mine/"
    again = api.post("/api/v1/universes", body, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "exists")
    changed = api.patch("/api/v1/universes/mine", {"symbols": ["IBM"]}, format="json")
    assert changed.json()["symbols"] == ["IBM"]
    assert api.delete("/api/v1/universes/mine").status_code == 204
    assert api.get("/api/v1/universes/mine").status_code == 404


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "x", "symbols": []}, "symbols"),
        ({"name": "x", "symbols": ["AAPL", "../etc"]}, "symbols[1]"),
        ({"name": "no spaces", "symbols": ["AAPL"]}, "name"),
        ({"symbols": ["AAPL"]}, "name"),
    ],
)
def test_a_universe_that_cannot_be_is_refused_with_the_place(api, body, path):
    answer = api.post("/api/v1/universes", body, format="json")
    assert answer.status_code == 422, answer.json()
    assert answer.json()["details"][0]["path"].startswith(path)
    assert not Universe.objects.exists()


def test_built_in_universes_are_everybodys_and_nobody_changes_them(api, other_api):
    universes_load()
    universes_load()
    names = [row["name"] for row in api.get("/api/v1/universes").json()["results"]]
    assert names == ["crypto-majors", "dow-30", "sample", "us-sectors"]
    assert len(api.get("/api/v1/universes/dow-30").json()["symbols"]) == 30
    assert api.delete("/api/v1/universes/sample").status_code == 404
    api.post("/api/v1/universes", {"name": "sample", "symbols": ["IBM"]}, format="json")
    assert api.get("/api/v1/universes/sample").json()["symbols"] == ["IBM"]
    assert len(other_api.get("/api/v1/universes/sample").json()["symbols"]) == 4
    missing = api.get("/api/v1/universes/nasdaq")
    assert "dow-30" in missing.json()["message"]


def test_symbols_of_a_universe_are_found_by_name_or_id_by_who_may_see_it(user, other_user):
    universes_load()
    mine = universe_create(owner_id=user.id, name="sample", symbols=["IBM", "aapl"])
    shared = ["AAPL", "GOOG", "IBM", "MSFT"]
    assert universe_symbols(owner_id=user.id, name_or_id="Sample") == ["IBM", "AAPL"]
    assert universe_symbols(owner_id=user.id, name_or_id=mine.id) == ["IBM", "AAPL"]
    assert universe_symbols(owner_id=user.id, name_or_id=str(mine.id)) == ["IBM", "AAPL"]
    assert universe_symbols(owner_id=other_user.id, name_or_id="sample") == shared
    assert universe_symbols(owner_id=None, name_or_id="sample") == shared
    for name in (mine.id, "nasdaq"):
        with pytest.raises(NotFound, match="no universe"):
            universe_symbols(owner_id=other_user.id, name_or_id=name)


def test_a_universe_can_be_downloaded_at_once(user):
    universes_load()
    out = StringIO()
    call_command(
        "fetch_bars", "--universe", "sample", "--provider", "sample", "--format", "json", stdout=out
    )
    assert BarSeries.objects.count() == 4
    with pytest.raises(CommandError, match="Which symbols"):
        call_command("fetch_bars", "--provider", "sample", stdout=StringIO())


@pytest.fixture
def folder(tmp_path, settings):
    settings.CSV_BARS_DIR = str(tmp_path)

    def write(first: int, last: int, price: float = 10.0) -> None:
        rows = "".join(
            f"2024-01-{day:02},{price},{price + 2},{price - 1},{price + 1},100\n"
            for day in range(first, last + 1)
        )
        (tmp_path / "GOOG_1d.csv").write_text("ts,open,high,low,close,volume\n" + rows)

    return write


def watch_body(**changes):
    return {"symbol": "goog", "provider": "csv", "interval": "daily", "every_s": 60} | changes


def due() -> None:
    Watch.objects.update(next_at=timezone.now())


def fetch_all() -> list[Fetch]:
    for fetch in Fetch.objects.filter(status="queued"):
        tasks.fetch(str(fetch.id))
    return list(Fetch.objects.order_by("created_at"))


def test_a_watched_series_is_downloaded_again_from_where_it_ends(api, folder):
    answer = api.post("/api/v1/watches", watch_body(), format="json")
    assert answer.status_code == 201
    folder(2, 5)
    tasks.watch()
    (first,) = fetch_all()
    assert (first.status, first.rows, first.start) == ("completed", 4, None)
    tasks.watch()
    assert Fetch.objects.count() == 1
    folder(2, 9)
    due()
    tasks.watch()
    second = fetch_all()[-1]
    assert (second.status, second.rows, str(second.start)) == ("completed", 8, "2024-01-05")
    shown = api.get(answer.headers["Location"]).json()
    assert (shown["last_status"], shown["last_error"]) == ("completed", None)


def test_a_series_without_a_period_is_downloaded_once_its_next_bar_is_over(api, folder):
    answer = api.post("/api/v1/watches", watch_body(every_s=None), format="json")
    assert (answer.status_code, answer.json()["every_s"]) == (201, None)
    folder(2, 5)
    tasks.watch()
    assert [fetch.rows for fetch in fetch_all()] == [4]

    def refreshed(text):
        """Refresh on Monday, 8 January: New York closes at 21:00, then comes its auction."""
        now = datetime.fromisoformat(f"2024-01-08T{text}Z")
        return refresh.watches_refresh(now=now), f"{Watch.objects.get().next_at:%H:%M:%S}"

    Watch.objects.update(next_at="2024-01-08T00:00Z")
    assert refreshed("20:59:59") == (0, "21:01:00")
    assert refreshed("21:00:59") == (0, "21:01:00")
    assert refreshed("21:01:00") == (1, "21:01:05")
    folder(2, 8)
    assert [fetch.rows for fetch in fetch_all()] == [4, 7]
    assert refreshed("21:01:05") == (0, "21:01:00")
    assert Watch.objects.get().next_at.day == 9


def test_a_period_is_taken_back_with_null_and_the_series_is_due_at_once(api):
    place = api.post("/api/v1/watches", watch_body(every_s=86_400), format="json").headers[
        "Location"
    ]
    Watch.objects.update(next_at="2100-01-01T00:00Z")
    assert api.patch(place, {"every_s": None}, format="json").json()["every_s"] is None
    assert Watch.objects.get().next_at <= timezone.now()


def test_of_two_refreshers_at_once_one_queues_and_none_while_one_runs(api, folder):
    api.post("/api/v1/watches", watch_body(), format="json")
    now = timezone.now()
    assert refresh.watches_refresh(now=now) == 1
    assert refresh.watches_refresh(now=now) == 0
    due()
    # The first download is not over: the next one waits for its turn.
    assert refresh.watches_refresh(now=timezone.now()) == 0
    assert Fetch.objects.count() == 1


def test_restated_prices_are_downloaded_anew_as_a_whole_and_old_runs_keep_theirs(api, folder):
    api.post("/api/v1/watches", watch_body(), format="json")
    folder(2, 9, price=100.0)
    tasks.watch()
    before = fetch_all()[0].series.content_hash
    # A 2-for-1 split: everything is half of what it was.
    folder(2, 10, price=50.0)
    due()
    tasks.watch()
    restated = fetch_all()[-1]
    assert restated.error_code == "prices_restated"
    assert "downloaded anew by itself" in restated.error_message
    # At once, and not when it is due the next time.
    tasks.watch()
    whole = fetch_all()[-1]
    assert (whole.status, whole.rows, whole.replace, str(whole.start)) == (
        "completed",
        9,
        True,
        "2024-01-02",
    )
    assert whole.series.snapshots.filter(content_hash=before).exists()


def test_what_is_older_than_the_stored_bars_is_filled_up_once(api, folder):
    folder(8, 12)
    api.post("/api/v1/watches", watch_body(), format="json")
    tasks.watch()
    fetch_all()
    Watch.objects.all().delete()
    folder(2, 12)
    api.post("/api/v1/watches", watch_body(start="2024-01-02"), format="json")
    tasks.watch()
    assert fetch_all()[-1].rows == 11


def test_a_watch_can_be_paused_and_ended_by_its_owner_alone(api, other_api):
    place = api.post("/api/v1/watches", watch_body(), format="json").headers["Location"]
    assert other_api.get(place).status_code == 404
    assert other_api.patch(place, {"active": False}, format="json").status_code == 404
    assert other_api.delete(place).status_code == 404
    assert api.patch(place, {"active": False}, format="json").json()["active"] is False
    assert refresh.watches_refresh(now=timezone.now() + timedelta(days=1)) == 0
    assert api.delete(place).status_code == 204
    assert api.get("/api/v1/watches").json()["results"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"every_s": 5}, "out_of_range"),
        ({"provider": "bloomberg"}, "unknown_provider"),
        ({"provider": "sample", "interval": "1m"}, "interval_not_offered"),
    ],
)
def test_a_watch_that_cannot_be_is_refused(api, changes, code):
    answer = api.post("/api/v1/watches", watch_body(**changes), format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_credentials_go_in_and_are_shown_to_nobody(api, user, other_user, client):
    values = {"values": {"key_id": "AK-key-id-of-ann", "secret": SECRET}}
    assert api.put("/api/v1/provider-keys/alpaca", values, format="json").status_code == 204
    shown = api.get("/api/v1/providers")
    alpaca = next(one for one in shown.json()["providers"] if one["name"] == "alpaca")
    assert alpaca["credential_fields"] == ["key_id", "secret"]
    assert alpaca["credentials_stored_at"] is not None
    assert SECRET not in shown.content.decode()
    stored = bytes(ProviderKey.objects.get().sealed)
    assert SECRET.encode() not in stored
    assert b"AK-key-id-of-ann" not in stored
    assert credentials_of(owner_id=user.id, provider="alpaca:sip")["secret"] == SECRET
    assert credentials_of(owner_id=other_user.id, provider="alpaca") == {}
    # A row copied under another user opens for nobody.
    ProviderKey.objects.update(owner=other_user)
    with pytest.raises(Permanent, match="belong to something else"):
        credentials_of(owner_id=other_user.id, provider="alpaca")
    root = User.objects.create_superuser("root@example.com", "a long password")
    client.force_login(root)
    row = ProviderKey.objects.get()
    page = client.get(f"/admin/market/providerkey/{row.id}/change/")
    assert page.status_code == 200
    assert "sealed" not in page.content.decode()


@pytest.mark.parametrize(
    ("provider", "values", "path"),
    [
        ("alpaca", {"key_id": "x"}, "values.secret"),
        ("alpaca", {"key_id": "x", "secret": " "}, "values.secret"),
        ("alpaca", {"key_id": "x", "secret": "y", "more": "z"}, "values.more"),
        ("sample", {"key": "x"}, None),
        ("bloomberg", {"key": "x"}, "provider"),
    ],
)
def test_credentials_that_a_provider_does_not_want_are_refused(api, provider, values, path):
    answer = api.put(f"/api/v1/provider-keys/{provider}", {"values": values}, format="json")
    assert answer.status_code == 422
    if path:
        assert answer.json()["details"][0]["path"] == path
    assert not ProviderKey.objects.exists()


def test_a_download_uses_the_credentials_of_whoever_asked_for_it(api, other_api, settings):
    settings.PROVIDER_RATES = {}
    with served(Alpaca()) as server:
        settings.ALPACA_DATA_URL = settings.ALPACA_TRADING_URL = server.url
        server.days = [(day, 100.0) for day in weekdays(date(2024, 1, 2), 5)]
        values = {"values": {"key_id": "AK-key-id-of-ann", "secret": SECRET}}
        api.put("/api/v1/provider-keys/alpaca", values, format="json")
        body = {"symbol": "AAPL", "provider": "alpaca", "start": "2024-01-01", "end": "2024-01-31"}
        mine = api.post("/api/v1/fetches", body).headers["Location"]
        theirs = other_api.post("/api/v1/fetches", body).headers["Location"]
        fetch_all()
        assert api.get(mine).json()["status"] == "completed"
        assert server.headers[0]["APCA-API-SECRET-KEY"] == SECRET
        body = {"symbol": "MSFT", "provider": "alpaca"}
        theirs = other_api.post("/api/v1/fetches", body).headers["Location"]
        fetch_all()
        failed = other_api.get(theirs).json()
        assert (failed["status"], failed["error"]["code"]) == ("failed", "credentials_missing")


def test_the_master_key_changes_and_old_rows_open_until_it_is_thrown_away(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.CREDENTIALS_KEYS = [old]
    row = sealed({"secret": SECRET}, context="here")
    settings.CREDENTIALS_KEYS = [new, old]
    again = resealed(row)
    settings.CREDENTIALS_KEYS = [new]
    assert unsealed(again, context="here") == {"secret": SECRET}
    for broken in (row, b"{}", b"nothing", again[:-20]):
        with pytest.raises(Permanent, match="cannot be opened"):
            unsealed(broken, context="here")
    settings.CREDENTIALS_KEYS = []
    assert unsealed(sealed({"a": "b"}, context="x"), context="x") == {"a": "b"}


def test_a_download_is_cancelled_and_tried_again_over_http(api, other_api, folder):
    folder(2, 5)
    place = api.post("/api/v1/fetches", {"symbol": "GOOG", "provider": "csv"}).headers["Location"]
    assert other_api.post(f"{place}cancel/").status_code == 404
    assert api.post(f"{place}cancel").json()["status"] == "canceled"
    assert api.post(f"{place}cancel/").status_code == 409
    again = api.post(f"{place}retry")
    assert (again.status_code, again.json()["status"]) == (202, "queued")
    fetch_all()
    assert api.get(place).json()["rows"] == 4
    assert api.post(f"{place}retry").status_code == 409


def test_every_page_of_the_admin_shows_what_there_is(client, gapped, user):
    report_ensure(gapped)
    universes_load()
    client.force_login(User.objects.create_superuser("root@example.com", "a long password"))
    for model in ("qualityreport", "quarantinedbar", "universe", "watch", "barseries"):
        assert client.get(f"/admin/market/{model}/").status_code == 200, model
    page = client.get("/admin/market/qualityreport/").content.decode()
    assert "gap 1, quarantined 1" in page
    report = gapped.reports.get()
    page = client.get(f"/admin/market/qualityreport/{report.id}/change/").content.decode()
    for finding in report.findings:
        assert f"<td>{finding['code']}</td><td>{finding['message']}</td>" in page


def test_stored_credentials_move_to_a_new_master_key(api, user, settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.CREDENTIALS_KEYS = [old]
    values = {"values": {"key_id": "AK-key-id-of-ann", "secret": SECRET}}
    api.put("/api/v1/provider-keys/alpaca", values, format="json")
    settings.CREDENTIALS_KEYS = [new, old]
    assert keys_reseal() == 1
    settings.CREDENTIALS_KEYS = [new]
    assert credentials_of(owner_id=user.id, provider="alpaca")["secret"] == SECRET
    settings.CREDENTIALS_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(Permanent, match="No master key opens"):
        keys_reseal()
