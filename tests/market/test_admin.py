"""The admin shows every model of the market, and changes none that the store owns."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from core.accounts.models import User
from market import tasks
from market.models import BarSeries, Fetch, Watch
from market.services.fetches import fetch_create
from market.services.imports import import_create
from market.services.watches import watch_create


@pytest.fixture
def admin(db, client):
    user = User.objects.create_superuser("root@example.com", "a long password")
    client.force_login(user)
    call_command("fetch_bars", "GOOG", provider="sample", stdout=StringIO())
    fetch = fetch_create(owner_id=user.id, provider="sample", symbol="IBM", interval="1d")
    tasks.fetch(str(fetch.id))
    return client


@pytest.mark.parametrize("model", ["instrument", "barseries", "barsnapshot", "fetch"])
def test_every_list_opens_and_can_be_searched(admin, model):
    page = admin.get(reverse(f"admin:market_{model}_changelist"), {"q": "IBM"})
    assert page.status_code == 200
    assert b"IBM" in page.content
    assert b"GOOG" not in page.content


def test_rows_of_the_store_are_shown_but_not_changed_by_hand(admin):
    series = BarSeries.objects.first()
    path = reverse("admin:market_barseries_change", args=[series.id])
    assert admin.get(path).status_code == 200
    assert admin.post(path, {"rows": 1}).status_code == 403
    assert admin.get(reverse("admin:market_barseries_add")).status_code == 403


def act(client, model: str, action: str, row) -> str:
    path = reverse(f"admin:market_{model}_changelist")
    answer = client.post(path, {"action": action, "_selected_action": [str(row.pk)]}, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


def test_a_series_is_downloaded_anew_as_a_whole_and_in_place_of_what_is_stored(admin):
    series = BarSeries.objects.get(instrument__symbol="IBM")
    assert "1 downloads queued" in act(admin, "barseries", "renew", series)
    fetch = Fetch.objects.get(status="queued")
    assert (fetch.symbol, fetch.replace, fetch.start) == ("IBM", True, series.first_ts.date())
    assert fetch.owner.email == "root@example.com"
    tasks.fetch(str(fetch.id))
    assert BarSeries.objects.get(id=series.id).content_hash == series.content_hash
    BarSeries.objects.update(owner=fetch.owner)
    assert "import it again" in act(admin, "barseries", "renew", series)


def test_downloads_imports_and_watches_are_acted_on_and_what_cannot_be_is_told(admin):
    owner = User.objects.get()
    waiting = fetch_create(owner_id=owner.id, provider="sample", symbol="MSFT", interval="1d")
    assert "1 canceled" in act(admin, "fetch", "cancel", waiting)
    assert "canceled already" in act(admin, "fetch", "cancel", waiting)
    assert "1 queued again" in act(admin, "fetch", "retry", waiting)
    upload = import_create(
        owner_id=owner.id, filename="a.csv", data=b"ts", symbol="A", interval="1d"
    )
    assert "1 canceled" in act(admin, "import", "cancel", upload)
    assert "1 queued again" in act(admin, "import", "retry", upload)
    tasks.import_file(str(upload.id))
    assert "upload it again" in act(admin, "import", "retry", upload)
    watch = watch_create(owner_id=owner.id, provider="sample", symbol="IBM", interval="1d")
    Watch.objects.update(next_at=timezone.now() + timedelta(days=1))
    assert "1 due now" in act(admin, "watch", "refresh", watch)
    assert Watch.objects.get().next_at <= timezone.now()


def test_a_watch_is_made_by_hand_with_the_rules_of_the_api(admin):
    path = reverse("admin:market_watch_add")
    assert b"root@example.com" in admin.get(path).content
    fields = {
        "owner": str(User.objects.get().id),
        "provider": "nobody",
        "symbol": "ibm",
        "interval": "1d",
        "every_s": "3600",
        "active": "on",
        "next_at_0": "2026-01-01",
        "next_at_1": "00:00",
    }
    assert b"nobody" in admin.post(path, fields).content
    assert not Watch.objects.exists()
    fields |= {"provider": "sample", "symbol": "no such thing"}
    assert b"cannot be a symbol" in admin.post(path, fields).content
    assert admin.post(path, fields | {"symbol": "ibm"}).status_code == 302
    assert Watch.objects.get().symbol == "IBM"


def test_a_version_says_whether_it_is_current_or_since_when_not(admin):
    series = BarSeries.objects.get(instrument__symbol="IBM")
    page = reverse("admin:market_barsnapshot_changelist")
    assert b"current" in admin.get(page, {"q": "IBM"}).content
    BarSeries.objects.filter(id=series.id).update(content_hash="f" * 64)
    assert b"replaced 20" in admin.get(page, {"q": "IBM"}).content
