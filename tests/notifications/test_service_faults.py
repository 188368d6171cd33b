"""A key, a number or an account of the operator's that is refused: nobody's channel ends by it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.urls import reverse
from django.utils import timezone

from notifications import services
from notifications.choices import DeliveryStatus as Status
from notifications.codes import CodeNotSent, code_send
from notifications.models import Alert, Delivery, ServiceFault, UserChannel
from notifications.pump import deliveries_pump
from notifications.service_faults import fault_note

pytestmark = pytest.mark.django_db
REVOKED = b'{"errors": [{"message": "The provided authorization grant is revoked"}]}'


@pytest.fixture
def revoked(service):
    service.status, service.body = 401, REVOKED
    return service


@pytest.fixture
def mended(service):
    """Mend the key, and let the rest of the service pass."""

    def mend():
        service.status, service.body = 0, None
        rested()

    return mend


def rested():
    now = timezone.now()
    ServiceFault.objects.update(resume_at=now)
    Delivery.objects.filter(status=Status.QUEUED).update(due_at=now)


@pytest.fixture
def emails(service, channel_of, django_user_model):
    return [
        channel_of(
            django_user_model.objects.create_user(f"t{n}@example.com", "x" * 12),
            "email",
            f"desk{n}@example.com",
        )
        for n in range(14)
    ]


def tell(*channels):
    for channel in channels:
        services.alert_send(owner_id=channel.owner_id, subject="s", text="t", channels=[channel])


def outside(**filters):
    return Delivery.objects.exclude(kind="in_app").filter(**filters)


def test_a_revoked_key_switches_nobody_off_and_all_leaves_when_it_is_mended(
    user, emails, revoked, mended, channel_of
):
    tell(*emails)
    deliveries_pump()
    asked = len(revoked.requests)
    assert asked < len(emails), "the service rests, however many wait"
    assert ServiceFault.objects.get().kind == "sendgrid_email"
    assert outside(status=Status.QUEUED).count() == len(emails)
    assert not UserChannel.objects.filter(enabled=False).exists()
    assert not UserChannel.objects.filter(failures__gt=0).exists()
    assert not Alert.objects.filter(event="channel.disabled").exists()

    hook = channel_of(user, "webhook", f"{revoked.url}/hook")
    revoked.status = 0
    tell(hook)
    deliveries_pump()
    assert outside(channel=hook).get().status == Status.SENT, "other services go on"
    assert len(revoked.requests) == asked + 1

    mended()
    deliveries_pump()
    assert outside(status=Status.SENT).count() == len(emails) + 1
    assert not ServiceFault.objects.exists()


def test_of_many_refusals_at_once_one_counts_and_the_rest_doubles():
    first = fault_note(kind="twilio_sms", error="no")
    rests = []
    for _ in range(8):
        assert fault_note(kind="twilio_sms", error="no").tries == first.tries
        rests.append(round((first.resume_at - timezone.now()).total_seconds()))
        rested()
        first = fault_note(kind="twilio_sms", error="still")
    assert rests == [10, 20, 40, 80, 160, 300, 300, 300]


def test_what_is_the_operators_uses_up_none_of_the_attempts(emails, revoked, mended):
    tell(emails[0])
    for _ in range(9):
        rested()
        deliveries_pump()
    row = outside().get()
    assert (row.status, row.attempts, row.excused) == (Status.QUEUED, 9, 9)
    assert "401" in row.error, "its owner can see why it waits"
    revoked.status = 503
    rested()
    deliveries_pump()
    row = outside().get()
    assert row.status == Status.QUEUED
    assert row.due_at - timezone.now() < timedelta(seconds=11), "as after a first attempt"
    mended()
    deliveries_pump()
    assert outside().get().status == Status.SENT


def test_after_a_day_an_alert_is_no_news_any_more(emails, revoked):
    tell(*emails[:2])
    deliveries_pump()
    long_ago = timezone.now() - timedelta(hours=25)
    Delivery.objects.filter(channel=emails[0]).update(created_at=long_ago)
    ServiceFault.objects.update(created_at=long_ago)
    rested()
    deliveries_pump()
    assert outside(channel=emails[0]).get().status == Status.FAILED
    assert outside(channel=emails[1]).get().status == Status.QUEUED
    assert not UserChannel.objects.filter(enabled=False).exists()


def test_a_code_that_our_key_cannot_send_comes_later(user, revoked):
    channel, _ = services.channel_create(owner_id=user.id, kind="email", address="d@example.com")
    with pytest.raises(CodeNotSent):
        code_send(channel_id=channel.id)
    channel.refresh_from_db()
    assert channel.enabled
    assert ServiceFault.objects.get().kind == "sendgrid_email"
    revoked.status, revoked.body = 0, None
    code_send(channel_id=channel.id)
    assert not ServiceFault.objects.exists(), "it takes our key again"


def ids(**options):
    return [fault.id for fault in run_checks(**options) if fault.id.startswith("notifications.")]


def test_operators_are_told_by_the_system_checks(settings, service):
    assert ids(databases=["default"]) == []
    settings.TWILIO_AUTH_TOKEN, settings.SENDGRID_API_KEY = "", "the key's id"
    fault_note(kind="sendgrid_email", error="SendGrid answered 401")
    assert set(ids()) == {"notifications.W001", "notifications.W002"}
    assert "notifications.W003" in ids(databases=["default"])


def test_operators_see_it_in_the_admin_and_have_it_tried_now(
    client, django_user_model, emails, revoked
):
    client.force_login(django_user_model.objects.create_superuser("root@example.com", "x" * 12))
    tell(emails[0])
    deliveries_pump()
    path = reverse("admin:notifications_servicefault_changelist")
    for shown in (path, reverse("admin:index")):
        assert "authorization grant is revoked" in client.get(shown).content.decode()
    fault = ServiceFault.objects.get()
    page = reverse("admin:notifications_servicefault_change", args=[fault.pk])
    assert client.get(page).status_code == 200
    revoked.status, revoked.body = 0, None
    assert deliveries_pump() == 0, "it rests"
    chosen = {"action": "try_now", "_selected_action": [str(fault.pk)]}
    said = client.post(path, chosen, follow=True).content.decode()
    assert "tried within seconds: 1" in said
    assert deliveries_pump() == 1
    assert not ServiceFault.objects.exists()
