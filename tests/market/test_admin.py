"""The admin shows every model of the market, and changes none that the store owns."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from core.accounts.models import User
from market import tasks
from market.models import BarSeries
from market.services.fetches import fetch_create


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
