"""What SendGrid tells of mails: believed where it is signed, taken once, and acted upon."""

from __future__ import annotations

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.checks import run_checks
from django.test import Client

from notifications import retention, services
from notifications.choices import DeliveryStatus as Status
from notifications.codes import code_send
from notifications.models import Alert, Delivery, ToldEvent, UserChannel
from notifications.pump import deliveries_pump

pytestmark = pytest.mark.django_db
PATH = "/api/v1/notifications/receipts/sendgrid_email"
ADDRESS = "trader@example.com"
OURS = ec.generate_private_key(ec.SECP256R1())
ANOTHER = ec.generate_private_key(ec.SECP256R1())


def public(key):
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@pytest.fixture
def email(user, service, channel_of, settings):
    settings.SENDGRID_EVENT_KEY = public(OURS)
    return channel_of(user, "email", ADDRESS)


@pytest.fixture
def sent(email, service):
    """Send one, and return what SendGrid says of every event of that mail."""
    services.channel_test(channel=email)
    deliveries_pump()
    asked = json.loads(service.requests[-1][2])
    return {"email": ADDRESS, "sg_message_id": "sg-1.filter0001", **asked["custom_args"]}


def post(body, *, key=OURS, at=None, **headers):
    timestamp = str(int(time.time() if at is None else at))
    signed = key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signed).decode(),
        **headers,
    }
    client = Client(enforce_csrf_checks=True)
    return client.post(PATH, body, content_type="application/json", headers=headers).status_code


def event(sent, name, number=1, **fields):
    row = {"event": name, "sg_event_id": f"{name}-{number}", "timestamp": int(time.time()) + 1}
    return {**sent, **row, **fields}


def tell(*events):
    # As SendGrid writes it: the signature is of these very bytes.
    assert post(json.dumps(events, indent=1).encode() + b"\r\n") == 204


def outside():
    return Delivery.objects.exclude(kind="in_app").get()


def test_a_hard_bounce_fails_the_delivery_and_switches_the_address_off(sent, email):
    tell(event(sent, "processed"), event(sent, "deferred"))
    assert outside().status == Status.SENT
    tell(event(sent, "bounce", type="bounce", reason="550 5.1.1 no such user", status="5.1.1"))
    row = outside()
    assert row.status == Status.FAILED
    assert "550 5.1.1 no such user" in row.error
    email.refresh_from_db()
    assert not email.enabled
    assert "no such user" in Alert.objects.get(event="channel.disabled").text


def test_one_that_is_blocked_fails_and_its_channel_goes_on(sent, email):
    tell(event(sent, "bounce", type="blocked", reason="451 greylisted"))
    assert outside().status == Status.FAILED
    email.refresh_from_db()
    assert email.enabled


def test_one_of_unknown_outcome_is_settled(sent, email):
    Delivery.objects.exclude(kind="in_app").update(status=Status.UNKNOWN, error="no answer")
    tell(event(sent, "delivered"))
    assert (outside().status, outside().error) == (Status.SENT, "")


@pytest.mark.parametrize(
    ("reason", "on", "proven"),
    [
        ("Bounced Address", False, True),
        ("Invalid", False, True),
        ("Unsubscribed Address", False, False),
        ("Spam Reporting Address", False, False),
        ("Spam Content (if Spam Checker app enabled)", True, True),
        ("Recipient List over Package Quota", True, True),
    ],
)
def test_why_sendgrid_dropped_a_mail_says_whether_the_next_one_would_go(
    sent, email, reason, on, proven
):
    tell(event(sent, "dropped", reason=reason))
    assert outside().status == Status.FAILED
    email.refresh_from_db()
    assert (email.enabled, email.verified_at is not None) == (on, proven)


@pytest.mark.parametrize("name", ["spamreport", "unsubscribe", "group_unsubscribe"])
def test_who_wants_no_mail_gets_none_until_the_address_is_proven_again(sent, email, name):
    tell(event(sent, name))
    assert outside().status == Status.SENT, "it did arrive"
    email.refresh_from_db()
    assert (email.enabled, email.verified_at) == (False, None)
    assert name in email.disabled_reason


def test_an_event_that_is_told_twice_is_taken_once(sent, email):
    bounce = event(sent, "bounce", type="bounce")
    tell(bounce)
    services.channel_update(channel=email, enabled=True)
    tell(bounce, bounce)
    email.refresh_from_db()
    assert email.enabled, "its owner has mended it meanwhile"
    tell(event(sent, "bounce", number=2, type="bounce"))
    email.refresh_from_db()
    assert not email.enabled, "another event is another matter"
    assert Alert.objects.filter(event="channel.disabled").count() == 2


def test_all_channels_to_the_address_end_and_no_others(sent, email, django_user_model, channel_of):
    other = django_user_model.objects.create_user("other@example.com", "x" * 12)
    same = channel_of(other, "email", "Trader@Example.com")
    different = channel_of(other, "email", "other@example.com")
    UserChannel.objects.filter(id=different.id).update(kind="smtp_email", address=f"x{ADDRESS}")
    tell(event(sent, "bounce", type="bounce"))
    on = UserChannel.objects.filter(enabled=True)
    assert {row.id for row in on} == {different.id}
    same.refresh_from_db()
    assert "bounce" in same.disabled_reason


def test_what_happened_before_the_address_was_proven_is_settled_by_that(sent, email):
    tell(event(sent, "bounce", type="bounce", timestamp=int(time.time()) - 3600))
    assert outside().status == Status.FAILED
    email.refresh_from_db()
    assert not email.enabled, "the mail that bounced is one of this channel"
    services.channel_update(channel=email, enabled=True)
    stray = {"email": ADDRESS, "sg_message_id": "another"}
    tell(event(stray, "bounce", type="bounce", number=3, timestamp=int(time.time()) - 3600))
    email.refresh_from_db()
    assert email.enabled


def test_a_bounced_code_ends_the_channel_that_nobody_has_proven(user, service, settings):
    settings.SENDGRID_EVENT_KEY = public(OURS)
    channel, _ = services.channel_create(owner_id=user.id, kind="email", address="typo@example.com")
    code_send(channel_id=channel.id)
    tell(event({"email": "typo@example.com"}, "bounce", type="bounce", reason="550 unknown"))
    channel.refresh_from_db()
    assert not channel.enabled


def test_nobody_else_can_tell(sent, email, settings):
    body = json.dumps([event(sent, "bounce", type="bounce")]).encode()
    day = 86_400
    assert post(body, key=ANOTHER) == 403
    assert post(body, **{"X-Twilio-Email-Event-Webhook-Signature": "bm8="}) == 403
    assert post(body, **{"X-Twilio-Email-Event-Webhook-Signature": "not base64 \u00fc"}) == 403
    assert post(body, **{"X-Twilio-Email-Event-Webhook-Timestamp": "now"}) == 403
    assert post(body, at=time.time() - 2 * day) == 403, "recorded and played again"
    assert post(body, at=time.time() + day) == 403
    assert post(b"\xff") == 403
    for key in ("", "nonsense"):
        settings.SENDGRID_EVENT_KEY = key
        assert post(body) == 403
    assert Client().post(PATH, body, content_type="application/json").status_code == 403
    assert outside().status == Status.SENT
    assert not ToldEvent.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"null", b"[1, null, {}]", b"not json", b"[{",
        b'[{"event": {}, "email": 7, "timestamp": "x", "sg_event_id": []}]',
        b'[{"event": "bounce", "email": null, "timestamp": 1e99, "alert_delivery": "x.y"}]',
        b'[{"event": "bounce", "email": "\\u0000", "sg_event_id": "\\u0000", "reason": "\\u0000"}]',
        b'[{"event": "bounce", "email": "a@b.c", "timestamp": -1, "sg_event_id": "' + b"x" * 9999
        + b'"}]',
    ],
)  # fmt: skip
def test_what_makes_no_sense_changes_nothing_and_breaks_nothing(sent, email, body):
    assert post(body) == 204
    assert outside().status == Status.SENT
    email.refresh_from_db()
    assert email.enabled


def test_a_mail_carries_no_token_of_ours_where_nobody_could_tell(user, service, channel_of):
    services.channel_test(channel=channel_of(user, "email", ADDRESS))
    deliveries_pump()
    assert "custom_args" not in json.loads(service.requests[-1][2])


def test_what_cannot_be_told_again_is_forgotten(sent):
    tell(event(sent, "delivered"))
    ToldEvent.objects.update(created_at="2020-01-01T00:00:00Z")
    tell(event(sent, "delivered", number=2))
    retention.alerts_prune()
    assert ToldEvent.objects.get().event_id == "delivered-2"


def test_a_key_that_cannot_be_read_is_told_at_the_start(settings):
    settings.SENDGRID_EVENT_KEY = public(OURS)
    assert "notifications.W004" not in {fault.id for fault in run_checks()}
    settings.SENDGRID_EVENT_KEY = "MFkw"
    assert "notifications.W004" in {fault.id for fault in run_checks()}
