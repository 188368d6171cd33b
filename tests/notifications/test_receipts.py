"""What a service tells of a message later: it settles what nobody knew."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from django.test import Client
from django.utils import timezone
from twilio.request_validator import RequestValidator

from notifications import services
from notifications.choices import DeliveryStatus as Status
from notifications.models import Alert, Delivery, UserChannel
from notifications.pump import deliveries_pump

pytestmark = pytest.mark.django_db
PUBLIC = "https://alerts.acme.dev"


@pytest.fixture
def sms(user, service, channel_of, settings):
    settings.PUBLIC_URL = PUBLIC
    return channel_of(user, "sms", "+14155550123")


@pytest.fixture
def url(sms, service):
    """Send one, and return where Twilio was asked to tell of it."""
    services.channel_test(channel=sms)
    deliveries_pump()
    (asked,) = parse_qs(service.requests[-1][2].decode())["StatusCallback"]
    assert asked.startswith(f"{PUBLIC}/api/v1/notifications/receipts/twilio_sms?delivery=")
    return asked


def tell(url, status, *, token="token", **fields):
    body = {"MessageSid": "SM9", "MessageStatus": status, **fields}
    signature = RequestValidator(token).compute_signature(url, body)
    client = Client(enforce_csrf_checks=True)
    path = url.removeprefix(PUBLIC)
    return client.post(path, body, headers={"X-Twilio-Signature": signature}).status_code


def outside():
    return Delivery.objects.exclude(kind="in_app").get()


def test_one_of_unknown_outcome_is_settled_and_not_sent_again(sms, service, settings, url):
    Delivery.objects.filter(kind="twilio_sms").update(status=Status.UNKNOWN, error="no answer")
    assert tell(url, "queued") == 204
    assert outside().status == Status.UNKNOWN, "it is on its way"
    assert tell(url, "delivered") == 204
    told = outside()
    assert (told.status, told.error, told.service_id) == (Status.SENT, "", "SM9")
    deliveries_pump()
    assert len(service.requests) == 1


def test_one_that_did_not_arrive_has_failed_and_its_channel_goes_on(sms, url):
    assert tell(url, "sent") == 204
    assert outside().service_id == "SM1"
    assert tell(url, "undelivered", ErrorCode="30003") == 204
    assert outside().status == Status.FAILED
    assert "30003" in outside().error
    sms.refresh_from_db()
    assert sms.enabled
    assert tell(url, "delivered") == 204
    assert outside().status == Status.FAILED, "the end was told before"


def test_a_number_that_takes_no_messages_switches_its_channel_off(sms, url):
    tell(url, "undelivered", ErrorCode="30006")
    sms.refresh_from_db()
    assert not sms.enabled
    assert "30006" in Alert.objects.get(event="channel.disabled").text


def test_a_failure_that_is_told_before_we_know_that_it_was_taken_stands(sms, url):
    Delivery.objects.filter(kind="twilio_sms").update(status=Status.SENDING)
    tell(url, "failed", ErrorCode="30008")
    assert outside().status == Status.FAILED


@pytest.mark.parametrize("token", ["another", ""])
def test_nobody_else_can_tell(sms, url, token):
    assert tell(url, "failed", token=token) == 403
    assert outside().status == Status.SENT


def test_without_a_token_of_the_operator_nobody_can_tell(sms, url, settings):
    settings.TWILIO_AUTH_TOKEN = ""
    assert tell(url, "failed", token="") == 403


def test_a_link_of_nobodys_and_a_kind_that_tells_nothing_change_nothing(sms, url):
    assert tell(f"{url}x", "failed") == 204
    assert tell(url.replace("twilio_sms", "webhook"), "failed") == 404
    assert tell(url.replace("twilio_sms", "pigeon"), "failed") == 404
    assert outside().status == Status.SENT


def test_a_digest_is_settled_whole(sms, service, user):
    UserChannel.objects.update(digest_minutes=60)
    sms.refresh_from_db()
    for number in range(3):
        services.alert_send(owner_id=user.id, subject=f"{number}", text="", channels=[sms])
    Delivery.objects.update(due_at=timezone.now())
    assert deliveries_pump() == 1
    (asked,) = parse_qs(service.requests[-1][2].decode())["StatusCallback"]
    tell(asked, "undelivered", ErrorCode="30003")
    found = Delivery.objects.filter(kind="twilio_sms").values_list("status", flat=True)
    assert list(found) == [Status.FAILED] * 3


def test_where_nobody_can_reach_us_nobody_is_asked_to_tell(sms, service, settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    services.channel_test(channel=sms)
    deliveries_pump()
    assert "StatusCallback" not in service.requests[0][2].decode()
