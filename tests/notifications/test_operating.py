"""What operators do, and what is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from backtester.beat import SCHEDULE
from notifications import quality, retention, services, tasks
from notifications.choices import DeliveryStatus as Status
from notifications.models import Alert, AlertRule, Delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root@example.com", "x" * 12))
    return client


def act(client, model, action, *rows):
    path = reverse(f"admin:notifications_{model}_changelist")
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(path, data, follow=True).content.decode()


def test_a_channel_is_switched_off_with_a_word_to_its_owner_and_on_again(
    operator, user, channel_of
):
    channel = channel_of(user, "smtp_email", "desk@example.com")
    act(operator, "userchannel", "switch_off", channel)
    channel.refresh_from_db()
    assert not channel.enabled
    assert "operator" in Alert.objects.get(owner=user, event="channel.disabled").text
    act(operator, "userchannel", "switch_on", channel)
    channel.refresh_from_db()
    assert (channel.enabled, channel.disabled_reason) == (True, "")


def test_a_rule_is_switched_off_with_a_word_to_its_owner(operator, user):
    rule = services.rule_create(owner_id=user.id, event="order.filled", channels=[])
    gone = AlertRule.objects.create(owner=user, event="order.filled", symbol="X", enabled=False)
    act(operator, "alertrule", "switch_off", rule)
    assert not AlertRule.objects.get(id=rule.id).enabled
    assert Alert.objects.get(owner=user).event == "rule.disabled"
    said = act(operator, "alertrule", "switch_on", rule, gone)
    assert AlertRule.objects.get(id=rule.id).enabled
    assert "Rules switched on: 1." in said
    assert "no event of the market" in said


@pytest.mark.parametrize("model", ["userchannel", "alertrule"])
def test_what_the_api_checks_has_no_form_here(operator, user, channel_of, model):
    channel = channel_of(user, "smtp_email", "desk@example.com")
    rule = services.rule_create(
        owner_id=user.id,
        event="order.filled",
        channels=[channel],
        filters={"ticker": {"in": ["GOOG"]}},
    )
    row = {"userchannel": channel, "alertrule": rule}[model]
    path = reverse(f"admin:notifications_{model}_change", args=[row.pk])
    page = operator.get(path).content.decode()
    assert "desk@example.com" in page
    assert 'name="_save"' not in page
    assert operator.post(path, {"address": "evil@example.com", "event": "x"}).status_code == 403
    assert operator.get(reverse(f"admin:notifications_{model}_add")).status_code == 403
    if model == "userchannel":
        services.channel_test(channel=channel)
        link = f"{reverse('admin:notifications_delivery_changelist')}?channel__id__exact={row.pk}"
        assert link in page
        assert "1 delivery" in operator.get(link).content.decode()


def test_the_page_of_a_channel_shows_no_secret(operator, user):
    channel, secret = services.channel_create(
        owner_id=user.id, kind="webhook", address="https://hooks.acme.dev/x"
    )
    page = operator.get(reverse("admin:notifications_userchannel_change", args=[channel.pk]))
    text = page.content.decode()
    assert page.status_code == 200
    assert secret not in text
    assert "code_hash" not in text


def test_what_is_older_than_the_retention_is_forgotten_but_not_what_is_on_its_way(
    user, channel_of, monkeypatch
):
    monkeypatch.setattr(retention, "BATCH", 2)
    channel = channel_of(user, "smtp_email", "desk@example.com")
    for _ in range(6):
        services.channel_test(channel=channel)
    outside = Delivery.objects.exclude(kind="in_app")
    outside.update(status=Status.SENT)
    kept, young = list(Alert.objects.order_by("created_at")[:2])
    outside.filter(alert=kept).update(status=Status.QUEUED)
    old = timezone.now() - retention.RETENTION - timedelta(seconds=1)
    Alert.objects.exclude(id=young.id).update(created_at=old)
    assert retention.alerts_prune() == 4
    assert set(Alert.objects.values_list("id", flat=True)) == {kept.id, young.id}


def test_what_the_schedule_names_is_there():
    ours = {row["task"] for row in SCHEDULE.values() if row["task"].startswith("notifications.")}
    named = {tasks.sweep.name, tasks.watch.name, tasks.quality.name, tasks.prune.name}
    assert ours == named


def test_reading_all_leaves_what_came_later_unread(user, client, channel_of):
    from rest_framework.test import APIClient

    api = APIClient()
    api.force_authenticate(user)
    channel = channel_of(user, "in_app")
    for _ in range(3):
        services.channel_test(channel=channel)
    until = Alert.objects.order_by("created_at")[1].created_at
    base = "/api/v1/notifications"
    assert api.get(f"{base}/unread").json() == {"unread": 3}
    assert api.post(f"{base}/read", {"until": until.isoformat()}).json() == {"read": 2}
    assert api.get(f"{base}/unread").json() == {"unread": 1}
    assert api.post(f"{base}/read", {}).json() == {"read": 1}
    events = {row["event"]: row for row in api.get(f"{base}/events").json()}
    assert {"name": "sharpe", "type": "number"}.items() <= next(
        field for field in events["run.completed"]["filters"] if field["name"] == "sharpe"
    ).items()


def test_faults_in_bars_are_told_once_to_those_who_follow_them(
    user, django_user_model, django_assert_num_queries
):
    from market.models import BarSeries, Instrument, QualityReport, Watch

    other = django_user_model.objects.create_user("other@example.com", "x" * 12)
    now = timezone.now()
    coin = Instrument.objects.create(symbol="COIN")
    facts = {"interval": "1d", "first_ts": now, "last_ts": now, "rows": 9, "last_close": 1.0}
    shared = BarSeries.objects.create(instrument=coin, provider="yfinance", **facts)
    own = BarSeries.objects.create(instrument=coin, provider="csv", owner=other, **facts)
    Watch.objects.create(owner=user, symbol="COIN", interval="1d", provider="yfinance", next_at=now)

    def report(series, content_hash, **counts):
        QualityReport.objects.create(
            series=series,
            content_hash=content_hash,
            severity="warning" if counts else "ok",
            rows=9,
            counts=counts,
            version=1,
        )

    report(shared, "a")
    assert quality.quality_watch() == 0
    report(shared, "b", gap=2)
    report(own, "c", gap=2)
    assert quality.quality_watch() == 2
    report(shared, "d", gap=2)
    assert quality.quality_watch() == 0, "the same faults in more bars"
    report(shared, "e", gap=3)
    assert quality.quality_watch() == 1
    with django_assert_num_queries(3):
        assert quality.quality_watch() == 0, "many reports cost what one does"
    told = Alert.objects.filter(owner=user).order_by("created_at").last()
    assert (told.event, told.data["ticker"], told.data["findings"]) == ("data.quality", "COIN", 3)
    assert Alert.objects.filter(owner=other).count() == 1
