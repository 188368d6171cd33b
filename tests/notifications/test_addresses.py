"""Where a channel leads: an address that is a secret stays one, and a new one is proven anew."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from django.apps import apps
from django.core import mail
from rest_framework.test import APIClient

from notifications import codes, services
from notifications.codes import code_send
from notifications.keeping import secrets_open
from notifications.models import Alert, Delivery, UserChannel
from notifications.pump import deliveries_pump

pytestmark = pytest.mark.django_db
API = "/api/v1/channels"
HOOK = "https://hooks.slack.com/services/T000/B000/abcdefghijklmnop"


@pytest.fixture
def api(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def code_of():
    return re.search(r"\b\d{6}\b", mail.outbox[-1].body)[0]


def test_a_slack_url_is_sealed_and_nowhere_shown(api, user):
    made = api.post(API, {"kind": "slack", "address": HOOK})
    assert made.status_code == 201
    assert made.json()["address"].startswith("https://hooks.slack.com/… (")
    channel = UserChannel.objects.get()
    assert secrets_open(channel, now=channel.created_at) == (HOOK,)
    services.channel_test(channel=channel)
    services.rule_create(owner_id=user.id, event="channel.disabled", channels=[channel])
    rows = [*UserChannel.objects.values(), *Delivery.objects.values(), *Alert.objects.values()]
    told = [made.content, api.get(API).content, api.get("/api/v1/notifications/history").content]
    assert b"abcdefgh" not in b"".join(told) + str(rows).encode()
    again = api.post(API, {"kind": "slack", "address": HOOK})
    assert again.json()["code"] == "channel_exists"
    assert api.post(API, {"kind": "slack", "address": f"{HOOK}q"}).status_code == 201


def test_a_sealed_url_is_posted_to(user, service, channel_of):
    channel = channel_of(user, "slack", f"{service.url}/services/T0/secret")
    services.channel_test(channel=channel)
    deliveries_pump()
    assert [path for path, *_ in service.requests] == ["/services/T0/secret"]


def test_open_slack_urls_of_older_rows_are_sealed_by_the_migration(user, service):
    url = f"{service.url}/services/T0/old"
    channel = UserChannel.objects.create(
        owner=user, kind="slack", address=url, verified_at=user.created_at
    )
    services.channel_test(channel=channel)
    migration = import_module("notifications.migrations.0005_seal_addresses_that_are_secrets")
    for _ in range(2):
        migration.seal(apps, None)
    channel.refresh_from_db()
    assert "old" not in channel.address + Delivery.objects.get(kind="slack").recipient
    deliveries_pump()
    assert [path for path, *_ in service.requests] == ["/services/T0/old"], "and goes on"


@pytest.fixture
def email(user, channel_of):
    return channel_of(user, "smtp_email", "desk@example.com")


def test_a_new_address_gets_a_code_and_nothing_else_before_it_came_back(api, email):
    services.channel_test(channel=email)
    changed = api.patch(f"{API}/{email.id}", {"address": "other@example.com"})
    assert (changed.status_code, changed.json()["verified"]) == (200, False)
    deliveries_pump()
    assert not mail.outbox, "what waited for the old address goes to neither"
    assert "another address" in Delivery.objects.get(kind="smtp_email").error
    code_send(channel_id=email.id)
    assert mail.outbox[-1].to == ["other@example.com"]
    assert api.post(f"{API}/{email.id}/verify", {"code": code_of()}).json()["verified"]


def test_a_code_proves_the_address_that_it_was_sent_to_alone(api, email, user):
    """Somebody asks for a code to a mailbox of theirs while they move the channel to another's."""
    api.patch(f"{API}/{email.id}", {"address": "mine@example.com"})
    code_send(channel_id=email.id)
    code = code_of()
    hashed = UserChannel.objects.get().code_hash
    UserChannel.objects.update(address="victim@example.com", code_hash=hashed)
    refused = api.post(f"{API}/{email.id}/verify", {"code": code})
    assert (refused.status_code, refused.json()["code"]) == (422, "code_wrong")


def test_a_code_that_is_overtaken_by_a_move_is_not_sent(api, email, monkeypatch):
    api.patch(f"{API}/{email.id}", {"address": "mine@example.com"})
    monkeypatch.setattr(
        codes.secrets,
        "randbelow",
        lambda _: UserChannel.objects.update(address="victim@example.com") and 123456,
    )
    code_send(channel_id=email.id)
    assert not mail.outbox
    assert UserChannel.objects.get().code_hash == ""


def test_the_link_of_a_mail_to_the_old_address_ends_nothing_of_the_new_one(email):
    from notifications.links import unsubscribe_url

    token = unsubscribe_url(email).partition("token=")[2]
    UserChannel.objects.update(address="other@example.com")
    with pytest.raises(services.channels.NotFound):
        services.channel_unsubscribe(token=token)


def test_a_channel_that_was_switched_off_for_its_address_is_on_with_another(api, email, user):
    UserChannel.objects.update(enabled=False, disabled_reason="550 no such user", failures=3)
    changed = api.patch(f"{API}/{email.id}", {"address": "right@example.com"}).json()
    assert (changed["enabled"], changed["disabled_reason"]) == (True, "")
    assert UserChannel.objects.get().failures == 0
    UserChannel.objects.update(enabled=False)
    changed = api.patch(f"{API}/{email.id}", {"address": "third@example.com"}).json()
    assert changed["enabled"] is False, "what its owner switched off stays off"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"address": "not an address"}, 422, "invalid"),
        ({"address": "taken@example.com"}, 409, "channel_exists"),
        ({"kind": "sms"}, 422, "fixed"),
        ({"kind": "pigeon"}, 422, "invalid_choice"),
        ({"secret": "x"}, 422, "invalid"),
        ({"adress": "x@example.com"}, 422, "unknown_field"),
    ],
)
def test_a_move_that_makes_no_sense_is_told_and_changes_nothing(
    api, email, user, channel_of, service, body, status, code
):
    channel_of(user, "smtp_email", "taken@example.com")
    before = UserChannel.objects.values().get(id=email.id)
    answer = api.patch(f"{API}/{email.id}", body)
    assert answer.status_code == status, answer.json()
    assert code in {answer.json()["code"], *(row["code"] for row in answer.json()["details"])}
    after = UserChannel.objects.values().get(id=email.id)
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


def test_mail_goes_over_another_service_without_another_proof(api, email, service):
    changed = api.patch(f"{API}/{email.id}", {"kind": "email"}).json()
    assert (changed["kind"], changed["verified"]) == ("sendgrid_email", True)


def test_what_was_shown_may_be_sent_back(api, email, user, channel_of):
    for channel in (email, channel_of(user, "slack", HOOK), channel_of(user, "in_app")):
        shown = api.get(f"{API}/{channel.id}").json()
        answer = api.patch(f"{API}/{channel.id}", shown)
        assert answer.status_code == 200, answer.json()
        assert answer.json() == shown


def test_a_telegram_chat_takes_another_token_and_keeps_it_over_a_move(api):
    old, new = (f"12345{n}:ABC-DEF1234ghIkl-zyx57W2v1u123ew11" for n in (1, 2))
    made = api.post(API, {"kind": "telegram", "address": "12345", "secret": old}).json()
    channel = UserChannel.objects.get()

    def kept():
        channel.refresh_from_db()
        return channel.address, secrets_open(channel, now=channel.created_at)

    assert api.patch(f"{API}/{made['id']}", {"address": "777"}).status_code == 200
    assert kept() == ("777", (old,))
    assert api.patch(f"{API}/{made['id']}", {"secret": new}).status_code == 200
    assert kept() == ("777", (new,))


def test_mails_are_counted_and_webhooks_are_not(api, email, channel_of, user):
    hook = channel_of(user, "webhook", "https://hooks.acme.dev/x")
    assert {api.post(f"{API}/{hook.id}/test").status_code for _ in range(12)} == {201}
    codes_ = [api.post(f"{API}/{email.id}/test").status_code for _ in range(11)]
    assert codes_ == [201] * 10 + [429]
    new = {"kind": "email", "address": "new@example.com"}
    assert api.post(API, new).status_code == 429
    assert api.post(API, {"kind": "webhook", "address": "https://b.acme.dev/"}).status_code == 201


def test_moves_are_counted_as_mails(api, email):
    codes_ = [
        api.patch(f"{API}/{email.id}", {"address": f"a{n}@example.com"}).status_code
        for n in range(12)
    ]
    assert codes_[0] == 200
    assert codes_[-1] == 429
    assert api.patch(f"{API}/{email.id}", {"name": "Desk"}).status_code == 200
