"""The admin: every list and page opens, and actions go through the services."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core.backtests.models import BacktestRun


@pytest.fixture
def admin(client, django_user_model, db):
    client.force_login(django_user_model.objects.create_superuser("root@example.com"))
    return client


@pytest.mark.parametrize("model", ["backtestrun", "trade", "equitycurve"])
def test_lists_search_and_pages_open(admin, tiny, new_run, work, model):
    run = work(new_run())
    listed = reverse(f"admin:backtests_{model}_changelist")
    for query in ("", "?q=TINY", f"?q={run.id}", "?q=trader@example.com", "?q=nothing"):
        assert admin.get(listed + query).status_code == 200
    row = {"backtestrun": run, "trade": run.trades.first(), "equitycurve": run.curve}[model]
    page = reverse(f"admin:backtests_{model}_change", args=[row.pk])
    assert admin.get(page).status_code == 200
    assert admin.post(page, {"symbol": "X"}).status_code == 403, "results are for reading"


def test_actions_cancel_and_retry(admin, tiny, new_run, work):
    run, done = new_run(), work(new_run())
    listed = reverse("admin:backtests_backtestrun_changelist")
    chosen = {"_selected_action": [str(run.id), str(done.id)]}
    told = admin.post(listed, {"action": "cancel", **chosen}, follow=True).content.decode()
    assert "Runs canceled: 1." in told
    assert "completed already" in told
    assert BacktestRun.objects.get(id=run.id).status == "canceled"
    admin.post(listed, {"action": "retry", **chosen})
    assert BacktestRun.objects.get(id=run.id).status == "queued"
