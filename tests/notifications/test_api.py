"""The endpoints, as their owner and as somebody else."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from notifications import services
from notifications.models import Alert, AlertRule, UserChannel

pytestmark = pytest.mark.django_db
API = "/api/v1"


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def client(user):
    return client_of(user)


@pytest.fixture
def channel(user, channel_of):
    return channel_of(user, "email", "trader@example.com")


def test_an_alert_by_hand_is_listed_and_read(client, channel):
    body = {"subject": "GOOG", "message": "Crossed 800.", "channels": ["email", "in_app"]}
    sent = client.post(f"{API}/notifications/alerts", body, format="json")
    assert sent.status_code == 201, sent.json()
    kinds = {delivery["kind"]: delivery["status"] for delivery in sent.json()["deliveries"]}
    assert kinds == {"in_app": "sent", channel.kind: "queued"}

    history = client.get(f"{API}/notifications/history/?unread=true").json()["results"]
    assert [alert["id"] for alert in history] == [sent.json()["id"]]
    read = client.post(f"{API}/notifications/{sent.json()['id']}/read/").json()
    assert read["read_at"]
    assert client.get(f"{API}/notifications/history?unread=true").json()["results"] == []
    again = client.post(f"{API}/notifications/{sent.json()['id']}/read").json()
    assert again["read_at"] == read["read_at"]


def test_a_channel_that_is_not_there_is_told_with_the_way_to_add_it(client):
    body = {"message": "x", "channels": ["sms"]}
    answer = client.post(f"{API}/notifications/alerts", body, format="json")
    assert answer.status_code == 422
    assert "POST /api/v1/channels" in answer.json()["message"]
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"kind": "email", "address": "not an address"}, "address"),
        ({"kind": "pigeon", "address": "x"}, "kind"),
    ],
)
def test_a_bad_channel_is_422_and_names_the_field(client, body, path):
    answer = client.post(f"{API}/channels", body, format="json")
    assert answer.status_code == 422
    assert answer.json()["details"][0]["path"] == path


def test_a_channel_without_keys_is_told(client, settings):
    settings.TWILIO_ACCOUNT_SID = ""
    answer = client.post(f"{API}/channels", {"kind": "sms", "address": "+14155550123"})
    assert (answer.status_code, answer.json()["code"]) == (422, "channel_not_configured")


def test_a_rule_is_made_changed_and_deleted(client, channel):
    body = {"event": "run.completed", "filters": {"ticker": "GOOG"}, "channels": ["email"]}
    rule = client.post(f"{API}/alert-rules", body, format="json").json()
    assert rule["channels"] == [str(channel.id)]
    url = f"{API}/alert-rules/{rule['id']}/"
    changed = client.patch(url, {"enabled": False, "channels": []}, format="json").json()
    assert (changed["enabled"], changed["channels"]) == (False, [])
    assert changed["filters"] == {"ticker": "GOOG"}
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


def test_a_filter_that_no_event_could_meet_is_refused_with_those_there_are(client):
    body = {"event": "run.completed", "filters": {"tickr": "GOOG"}}
    answer = client.post(f"{API}/alert-rules", body, format="json")
    assert answer.status_code == 422
    (detail,) = answer.json()["details"]
    assert (detail["path"], "ticker" in detail["expected"]) == ("filters.tickr", True)


def test_a_test_goes_through_the_channel(client, channel):
    answer = client.post(f"{API}/channels/{channel.id}/test/")
    assert answer.status_code == 201
    assert {row["kind"] for row in answer.json()["deliveries"]} == {"in_app", channel.kind}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "notifications/{alert}"),
        ("post", "notifications/{alert}/read"),
        ("get", "channels/{channel}"),
        ("patch", "channels/{channel}"),
        ("delete", "channels/{channel}"),
        ("post", "channels/{channel}/test"),
        ("post", "channels/{channel}/code"),
        ("post", "channels/{channel}/verify"),
        ("post", "channels/{channel}/rotate-secret"),
        ("get", "alert-rules/{rule}"),
        ("patch", "alert-rules/{rule}"),
        ("delete", "alert-rules/{rule}"),
    ],
)
def test_what_is_anothers_is_not_there(user, channel, django_user_model, method, path):
    services.channel_test(channel=channel)
    services.rule_create(owner_id=user.id, event="run.completed", channels=[channel])
    ids = {
        "alert": Alert.objects.get().id,
        "channel": UserChannel.objects.get().id,
        "rule": AlertRule.objects.get().id,
    }
    other = client_of(django_user_model.objects.create_user("other@example.com", "x" * 12))
    body = {"code": "123456"} if path.endswith("verify") else {}
    answer = getattr(other, method)(f"{API}/{path.format(**ids)}", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_history_costs_the_same_queries_for_one_alert_and_for_many(
    client, channel, django_assert_num_queries
):
    for count in (1, 5):
        for _ in range(count):
            services.channel_test(channel=channel)
        with django_assert_num_queries(2):
            client.get(f"{API}/notifications/history")


@pytest.mark.parametrize(("path", "queries"), [("channels", 1), ("alert-rules", 2)])
def test_lists_cost_the_same_queries_for_one_row_and_for_many(
    client, user, channel_of, path, queries, django_assert_num_queries
):
    for number in range(4):
        channel = channel_of(user, "webhook", f"https://hooks.acme.dev/{number}")
        services.rule_create(owner_id=user.id, event="run.completed", channels=[channel])
        with django_assert_num_queries(queries):
            found = client.get(f"{API}/{path}").json()["results"]
        assert len(found) == number + 1


def test_the_history_is_narrowed_to_what_happened_to_one_delivery(client, channel):
    services.channel_test(channel=channel)
    kind = channel.kind
    for query, count in (
        (f"channel={kind}", 1),
        (f"channel={kind}&status=queued", 1),
        (f"channel={kind}&status=sent", 0),  # it was sent in the app alone
        ("channel=in_app&status=sent", 1),
        ("channel=webhook", 0),
        ("status=failed", 0),
    ):
        found = client.get(f"{API}/notifications/history?{query}").json()["results"]
        assert len(found) == count, query
    assert client.get(f"{API}/notifications/history?status=lost").status_code in {400, 422}


def test_a_misspelt_field_is_told_and_not_passed_over(client, channel):
    for path, body in (
        ("alert-rules", {"event": "run.completed", "filter": {"ticker": "GOOG"}}),
        ("channels", {"kind": "webhook", "adress": "https://hooks.acme.dev/"}),
        ("notifications/alerts", {"message": "x", "chanels": ["email"]}),
        ("notifications/read", {"untill": "2026-01-15T15:00:00Z"}),
    ):
        answer = client.post(f"{API}/{path}", body)
        assert answer.status_code == 422, path
        assert answer.json()["details"][0]["code"] == "unknown_field", answer.json()


def test_a_rule_may_be_sent_back_as_it_was_shown(client, channel):
    body = {"event": "run.completed", "filters": {"ticker": "GOOG"}, "channels": ["email"]}
    rule = client.post(f"{API}/alert-rules", body).json()
    again = client.patch(f"{API}/alert-rules/{rule['id']}", rule)
    assert (again.status_code, again.json()) == (200, rule)


def test_channels_are_paced_and_bad_paces_are_422(client, channel):
    url = f"{API}/channels/{channel.id}"
    pace = {"quiet_from": "22:00", "quiet_until": "07:00", "digest_minutes": 60, "rate_per_min": 5}
    changed = client.patch(url, pace).json()
    assert (changed["quiet_from"], changed["digest_minutes"]) == ("22:00:00", 60)
    assert changed["rate_per_min"] == 5
    for bad, path in (
        ({"quiet_from": None}, "quiet_from"),
        ({"quiet_until": "22:00"}, "quiet_until"),
        ({"digest_minutes": 1441}, "digest_minutes"),
        ({"rate_per_min": 0}, "rate_per_min"),
        ({"quiet_from": "25:00"}, "quiet_from"),
    ):
        answer = client.patch(url, bad)
        assert answer.status_code == 422, bad
        assert answer.json()["details"][0]["path"] == path
    freed = client.patch(url, {"quiet_from": None, "quiet_until": None, "rate_per_min": None})
    assert freed.json()["quiet_from"] is None
    assert freed.json()["rate_per_min"] == 60


def test_lists_are_narrowed(client, channel, user):
    services.rule_create(owner_id=user.id, event="run.completed", channels=[channel])
    services.rule_create(owner_id=user.id, event="order.filled", channels=[], enabled=False)
    for path, count in (
        ("channels?kind=webhook", 0),
        (f"channels?kind={channel.kind}", 1),
        ("channels?enabled=false", 0),
        ("alert-rules?event=order.filled", 1),
        ("alert-rules?enabled=true", 1),
        ("alert-rules?symbol=goog", 0),
    ):
        assert len(client.get(f"{API}/{path}").json()["results"]) == count, path


@pytest.mark.parametrize(
    "body",
    [
        {"event": "order.filled", "filters": {"quantity": {"gt": "many"}}},
        {"event": "nonsense"},
        {"event": "order.filled", "filters": []},
        {"event": "order.filled", "cooldown_s": -1},
        {"event": "order.filled", "channels": ["nonsense"]},
        {"event": "price.level", "symbol": "'; DROP", "interval": "1d", "condition": {"a": 1}},
        {
            "event": "condition.met",
            "symbol": "GOOG",
            "interval": "1d",
            "condition": {"strategy_id": "x", "node": "y"},
        },
    ],
)
def test_a_bad_rule_is_told_and_never_a_500(client, body):
    answer = client.post(f"{API}/alert-rules", body)
    assert answer.status_code in {400, 422}
    assert {"code", "message", "details", "request_id"} == answer.json().keys()
