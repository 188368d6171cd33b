"""From an event to the recipient: once, in spite of faults."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from core.realtime.models import Event
from notifications import services
from notifications.attempts import backoff
from notifications.choices import DeliveryStatus as Status
from notifications.dispatch import deliveries_sweep, delivery_send
from notifications.models import Alert, Delivery, UserChannel
from notifications.pump import deliveries_pump

pytestmark = pytest.mark.django_db


def notify(user, key="run.completed:1", **data):
    with transaction.atomic():
        return services.event_notify(
            owner_id=user.id,
            event="run.completed",
            key=key,
            subject="Run\ncompleted",
            text="GOOG: +12 %",
            data={"ticker": "GOOG", **data},
        )


@pytest.fixture
def email(user, service, channel_of):
    return channel_of(user, "email", "trader@example.com")


@pytest.fixture
def sms(user, service, channel_of):
    return channel_of(user, "sms", "+14155550123")


def rule(user, *channels, **fields):
    services.rule_create(owner_id=user.id, event="run.completed", channels=channels, **fields)


def outside():
    return Delivery.objects.exclude(kind="in_app").get()


def test_every_event_is_told_in_the_app_without_any_rule(user):
    alert = notify(user)
    assert alert.subject == "Run completed", "a subject is one line"
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.status) == ("in_app", Status.SENT)
    event = Event.objects.get()
    assert (event.topic, event.data["id"]) == ("alerts", str(alert.id))


def test_an_event_that_is_reported_twice_is_told_once(user, email):
    rule(user, email)
    assert notify(user) == notify(user)
    assert Delivery.objects.count() == 2
    assert Event.objects.count() == 1


def test_a_rule_sends_through_its_channel(user, email, service):
    rule(user, email)
    notify(user)
    delivery_send(delivery_id=outside().id)
    assert outside().status == Status.SENT
    assert outside().service_id == "sg-1"
    delivery_send(delivery_id=outside().id)
    assert len(service.requests) == 1, "a task that runs twice sends once"


@pytest.mark.parametrize(
    ("filters", "told"), [({}, 1), ({"ticker": "GOOG"}, 1), ({"ticker": "IBM"}, 0)]
)
def test_filters_choose_events(user, email, filters, told):
    rule(user, email, filters=filters)
    notify(user)
    assert Delivery.objects.exclude(kind="in_app").count() == told


def test_two_rules_for_one_channel_send_one_message(user, email):
    rule(user, email)
    rule(user, email, filters={"ticker": "GOOG"})
    notify(user)
    assert Delivery.objects.exclude(kind="in_app").count() == 1


def test_a_disabled_rule_or_channel_sends_nothing(user, email):
    rule(user, email, enabled=False)
    rule(user, services.channel_update(channel=email, enabled=False))
    notify(user)
    assert not Delivery.objects.exclude(kind="in_app").exists()


def test_without_a_key_email_goes_over_smtp(user, settings, channel_of):
    settings.SENDGRID_API_KEY = ""
    rule(user, channel_of(user, "email", "a@example.com"))
    notify(user)
    delivery_send(delivery_id=outside().id)
    assert mail.outbox[0].to == ["a@example.com"]
    assert mail.outbox[0].subject == "Run completed"


def test_a_passing_refusal_is_tried_again_later(user, email, service):
    rule(user, email)
    notify(user)
    service.status, service.body = 503, b"{}"
    delivery_send(delivery_id=outside().id)
    delivery = outside()
    assert delivery.status == Status.QUEUED
    assert timedelta(seconds=8) < delivery.due_at - timezone.now() <= backoff(1)
    delivery_send(delivery_id=delivery.id)
    assert len(service.requests) == 1, "not before it is due"

    Delivery.objects.filter(id=delivery.id).update(due_at=timezone.now())
    service.status, service.body = 0, None
    delivery_send(delivery_id=delivery.id)
    assert (outside().status, outside().attempts) == (Status.SENT, 2)


def test_a_permanent_refusal_disables_the_channel_and_says_why(user, email, service):
    rule(user, email)
    notify(user)
    service.status = 400
    service.body = b'{"errors": [{"field": "personalizations.0.to.0.email", "message": "no"}]}'
    delivery_send(delivery_id=outside().id)
    assert outside().status == Status.FAILED
    email.refresh_from_db()
    assert not email.enabled
    assert "400" in email.disabled_reason
    told = Alert.objects.get(event="channel.disabled")
    assert "400" in told.text
    assert told.deliveries.get().kind == "in_app"


def test_an_sms_of_unknown_outcome_is_not_sent_twice(user, sms, service):
    rule(user, sms)
    notify(user)
    service.hang_up = True
    delivery_send(delivery_id=outside().id)
    assert outside().status == Status.UNKNOWN
    Delivery.objects.update(due_at=timezone.now() - timedelta(hours=1))
    deliveries_sweep()
    delivery_send(delivery_id=outside().id)
    assert len(service.requests) == 1


@pytest.mark.parametrize(("kind", "status"), [("email", Status.QUEUED), ("sms", Status.UNKNOWN)])
def test_what_a_dead_worker_left_is_repeated_only_where_that_is_harmless(
    user, kind, status, email, sms
):
    rule(user, {"email": email, "sms": sms}[kind])
    notify(user)
    Delivery.objects.exclude(kind="in_app").update(
        status=Status.SENDING, attempts=1, leased_until=timezone.now() - timedelta(seconds=1)
    )
    deliveries_sweep()
    assert outside().status == status


def test_a_lost_task_costs_nothing_but_time(user, email, service):
    rule(user, email)
    notify(user)
    assert deliveries_pump() == 1, "whoever pumps sends what is due, whoever was to"
    assert outside().status == Status.SENT
    assert deliveries_pump() == 0


def test_it_gives_up_after_six_attempts(user, email, service):
    rule(user, email)
    notify(user)
    service.status, service.body = 503, b"{}"
    for _ in range(8):
        Delivery.objects.exclude(kind="in_app").update(due_at=timezone.now())
        UserChannel.objects.update(resume_at=None)
        delivery_send(delivery_id=outside().id)
    assert outside().status == Status.FAILED
    assert len(service.requests) == 6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _, channel: channel.delete(), "deleted"),
        (lambda *_: UserChannel.objects.update(enabled=False), "off"),
        (lambda *_: UserChannel.objects.update(verified_at=None), "not verified"),
        (lambda user, _: type(user).objects.update(is_active=False), "closed"),
    ],
)
def test_what_is_queued_for_a_channel_that_is_no_more_fails_with_the_reason(
    user, email, service, change, said
):
    rule(user, email)
    notify(user)
    change(user, email)
    assert deliveries_pump() == 0
    assert outside().status == Status.FAILED
    assert said in outside().error
    assert not service.requests
