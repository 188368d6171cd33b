"""Quiet hours and digests by the clock on the owner's wall; messages wait, and are not lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from notifications import services
from notifications.choices import DeliveryStatus as Status
from notifications.choices import Hold
from notifications.models import Delivery
from notifications.pacing import digest_end, hold_of, quiet_end
from notifications.pump import deliveries_pump


@dataclass
class Pace:
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest_minutes: int = 0


NIGHT = Pace(time(22), time(7))
NOON = Pace(time(12), time(13, 30))


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("pace", "zone", "now", "end"),
    [
        (NIGHT, "UTC", "2026-01-15T21:59:59", None),
        (NIGHT, "UTC", "2026-01-15T22:00:00", "2026-01-16T07:00:00"),
        (NIGHT, "UTC", "2026-01-16T06:59:59", "2026-01-16T07:00:00"),
        (NIGHT, "UTC", "2026-01-16T07:00:00", None),
        (NOON, "UTC", "2026-01-15T12:00:00", "2026-01-15T13:30:00"),
        (NOON, "UTC", "2026-01-15T13:30:00", None),
        # 22:00 in Kolkata is 16:30 UTC.
        (NIGHT, "Asia/Kolkata", "2026-01-15T16:29:00", None),
        (NIGHT, "Asia/Kolkata", "2026-01-15T16:30:00", "2026-01-16T01:30:00"),
        # The night to summer time: 07:00 is 05:00 UTC and no longer 06:00.
        (NIGHT, "Europe/Berlin", "2026-03-28T21:30:00", "2026-03-29T05:00:00"),
        (NIGHT, "Europe/Berlin", "2026-10-24T20:30:00", "2026-10-25T06:00:00"),
        (Pace(), "UTC", "2026-01-15T03:00:00", None),
    ],
)
def test_quiet_hours_end_when_they_were_said_to(pace, zone, now, end):
    found = quiet_end(pace, zone=zone, now=utc(now))
    assert found == (utc(end) if end else None)


@pytest.mark.parametrize(
    ("minutes", "zone", "now", "end"),
    [
        (60, "UTC", "2026-01-15T14:30:00", "2026-01-15T15:00:00"),
        (60, "UTC", "2026-01-15T15:00:00", "2026-01-15T16:00:00"),
        (15, "UTC", "2026-01-15T14:31:00", "2026-01-15T14:45:00"),
        (1440, "America/New_York", "2026-01-15T14:30:00", "2026-01-16T05:00:00"),
        # Steps that do not fit the day begin again at midnight.
        (1000, "UTC", "2026-01-15T20:00:00", "2026-01-16T00:00:00"),
    ],
)
def test_a_digest_ends_at_whole_steps_of_the_owners_day(minutes, zone, now, end):
    assert digest_end(minutes, zone=zone, now=utc(now)) == utc(end)


def test_a_digest_that_ends_at_night_waits_for_the_morning_and_what_is_urgent_does_not():
    pace = Pace(time(22), time(7), digest_minutes=60)
    now = utc("2026-01-15T21:30:00")
    assert hold_of(pace, zone="UTC", now=now) == (utc("2026-01-16T07:00:00"), Hold.DIGEST)
    assert hold_of(pace, zone="UTC", now=now, urgent=True) == (now, "")


@given(
    st.times(), st.times(), st.integers(0, 1440),
    st.datetimes(utc("2020-01-01").replace(tzinfo=None), utc("2030-01-01").replace(tzinfo=None)),
    st.sampled_from(["UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York"]),
)  # fmt: skip
def test_a_hold_ends_within_two_days_and_outside_of_quiet_hours(begin, end, digest, now, zone):
    pace = Pace(begin.replace(fold=0), end.replace(fold=0), digest)
    if begin == end:
        return
    now = now.replace(tzinfo=UTC)
    due, _ = hold_of(pace, zone=zone, now=now)
    assert now <= due <= now + timedelta(hours=50)
    local = due.astimezone(ZoneInfo(zone)).replace(tzinfo=None).time()
    if due != now and local == pace.quiet_until:
        assert quiet_end(pace, zone=zone, now=due) is None


@pytest.fixture
def at():
    with time_machine.travel(utc("2026-01-15T21:30:00"), tick=False) as clock:
        yield clock


def notify(user, number=0, **fields):
    with transaction.atomic():
        services.event_notify(
            owner_id=user.id,
            event="run.completed",
            key=f"k{number}",
            subject=f"Run {number}",
            text="<b>GOOG</b>",
            data={"ticker": "GOOG"},
            **fields,
        )


def email_rule(user, channel_of, *, urgent=False, **pace):
    channel = channel_of(user, "smtp_email", "trader@example.com", **pace)
    return services.rule_create(
        owner_id=user.id, event="run.completed", channels=[channel], urgent=urgent
    )


@pytest.mark.django_db
def test_an_alert_in_quiet_hours_is_told_in_the_morning(user, channel_of, at):
    user.time_zone = "Asia/Kolkata"  # 03:00 there
    user.save()
    email_rule(user, channel_of, quiet_from=time(22), quiet_until=time(7))
    notify(user)
    delivery = Delivery.objects.exclude(kind="in_app").get()
    assert (delivery.held, delivery.due_at) == (Hold.QUIET_HOURS, utc("2026-01-16T01:30:00"))
    assert deliveries_pump() == 0
    at.move_to(utc("2026-01-16T01:30:00"))
    assert deliveries_pump() == 1
    assert mail.outbox[0].subject == "Run 0"


@pytest.mark.django_db
def test_what_is_due_when_quiet_hours_have_begun_since_waits_too(user, channel_of, at):
    email_rule(user, channel_of, quiet_from=time(22), quiet_until=time(7))
    notify(user)
    at.move_to(utc("2026-01-15T22:10:00"))
    assert deliveries_pump() == 0
    delivery = Delivery.objects.exclude(kind="in_app").get()
    assert (delivery.status, delivery.held) == (Status.QUEUED, Hold.QUIET_HOURS)
    assert delivery.due_at == utc("2026-01-16T07:00:00")


@pytest.mark.django_db
def test_an_urgent_rule_wakes_its_owner(user, channel_of, at):
    email_rule(user, channel_of, urgent=True, quiet_from=time(20), quiet_until=time(7))
    notify(user)
    assert deliveries_pump() == 1


@pytest.mark.django_db
def test_a_digest_is_one_mail_that_tells_of_all_in_order(user, channel_of, at):
    type(user).objects.update(time_zone="Europe/Berlin")
    email_rule(user, channel_of, digest_minutes=60)
    for number in range(3):
        notify(user, number)
        at.shift(timedelta(minutes=1))
    assert deliveries_pump() == 0
    at.move_to(utc("2026-01-15T22:00:00"))
    assert deliveries_pump() == 1
    (sent,) = mail.outbox
    assert sent.subject == "3 alerts: Run 0"
    assert [line for line in sent.body.splitlines() if "Run" in line] == [
        "2026-01-15 22:30 CET Run 0",
        "2026-01-15 22:31 CET Run 1",
        "2026-01-15 22:32 CET Run 2",
    ], "by the clock on the owner's wall"
    assert "2026-01-15 22:30 CET" in sent.alternatives[0][0]
    outside = Delivery.objects.exclude(kind="in_app")
    assert set(outside.values_list("status", flat=True)) == {Status.SENT}
    assert deliveries_pump() == 0


@pytest.mark.django_db
def test_mails_are_plain_text_and_html_in_which_nothing_is_markup(user, channel_of):
    email_rule(user, channel_of)
    notify(user)
    deliveries_pump()
    (sent,) = mail.outbox
    assert sent.body.startswith("<b>GOOG</b>")
    ((html, kind),) = sent.alternatives
    assert kind == "text/html"
    assert "&lt;b&gt;GOOG&lt;/b&gt;" in html
    assert "<b>GOOG" not in html
    assert "overflow-wrap: anywhere" in html, "a long word does not push the mail off the screen"


@pytest.mark.django_db
def test_a_test_waits_for_nothing_and_an_alert_by_hand_for_what_it_is_told_to(user, channel_of, at):
    channel = channel_of(
        user, "smtp_email", "trader@example.com", quiet_from=time(20), quiet_until=time(7)
    )
    services.channel_test(channel=channel)
    for urgent in (False, True):
        services.alert_send(
            owner_id=user.id, subject=f"{urgent}", text="", channels=[channel], urgent=urgent
        )
    assert deliveries_pump() == 2
    assert {sent.subject for sent in mail.outbox} == {"Test alert", "True"}


@pytest.mark.django_db
def test_what_is_held_is_let_go_when_its_hold_ends_early(user, channel_of, at):
    rule = email_rule(user, channel_of, quiet_from=time(20), quiet_until=time(7), digest_minutes=60)
    (channel,) = rule.channels.all()
    notify(user)
    services.channel_update(channel=channel, quiet_from=time(21), quiet_until=time(6))
    assert deliveries_pump() == 0, "it is quiet still"
    services.channel_update(channel=channel, quiet_from=None, quiet_until=None, digest_minutes=0)
    assert deliveries_pump() == 1


@pytest.mark.django_db
def test_a_digest_counts_as_one_message_of_the_rate(user, channel_of, at):
    rule = email_rule(user, channel_of, digest_minutes=60, rate_per_min=2)
    for number in range(5):
        notify(user, number)
    at.move_to(utc("2026-01-15T22:00:00"))
    assert deliveries_pump() == 1
    at.shift(timedelta(seconds=1))
    services.channel_update(channel=rule.channels.get(), digest_minutes=0)
    for number in (5, 6):
        notify(user, number)
    assert deliveries_pump() == 1, "two in a minute"
    at.shift(timedelta(seconds=60))
    assert deliveries_pump() == 1
