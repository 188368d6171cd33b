"""Nobody waits behind somebody else's slow or broken channel, and rates are kept without loss."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications import pump, senders, services
from notifications.choices import DeliveryStatus as Status
from notifications.dispatch import attempt_end
from notifications.models import Delivery, UserChannel
from notifications.pump import LOCK_ID, deliveries_pump

pytestmark = pytest.mark.django_db


def tell(user, *channels, count=1, name="x"):
    for number in range(count):
        with transaction.atomic():
            services.alert_send(
                owner_id=user.id, subject=f"{name}{number}", text="t", channels=channels
            )


def states(channel):
    return Counter(Delivery.objects.filter(channel=channel).values_list("status", flat=True))


@pytest.fixture
def webhook(channel_of, user, service):
    def make(path, **fields):
        return channel_of(user, "webhook", f"{service.url}/{path}", **fields)

    return make


def test_a_slow_a_broken_and_a_poisonous_channel_delay_the_others_by_less_than_5_s(
    user, service, webhook, channel_of, monkeypatch
):
    monkeypatch.setattr("notifications.channels.webhook.TIMEOUT_S", 3.0)
    service.slow_paths = {"/slow": 6.0}
    slow, poison = webhook("slow"), webhook("poison")
    broken = channel_of(user, "slack", f"{service.url}/broken")
    service.failing_paths = {"/broken": 500}
    UserChannel.objects.filter(id=poison.id).update(secrets=b"not sealed by us")
    good = channel_of(user, "email", "trader@example.com")
    tell(user, slow, poison, broken, count=3)
    tell(user, good, count=3, name="good")
    began = timezone.now()

    deliveries_pump(budget_s=1.0)

    assert states(good) == {Status.SENT: 3}
    late = Delivery.objects.filter(channel=good).latest("sent_at").sent_at - began
    assert late < timedelta(seconds=2.5), f"others waited {late}"
    assert states(slow)[Status.QUEUED] == 3, "and is tried again later"
    # Master keys are the operator's: what they do not open is tried again, and stays on.
    assert states(poison)[Status.QUEUED] == 3
    poison.refresh_from_db()
    assert poison.enabled
    assert states(broken)[Status.QUEUED] == 3


def test_what_breaks_in_our_own_code_settles_that_message_alone(
    user, service, webhook, channel_of, monkeypatch
):
    good = channel_of(user, "email", "trader@example.com")
    bad = channel_of(user, "slack", f"{service.url}/x")
    monkeypatch.setattr("notifications.channels.slack.escaped", lambda _: 1 / 0)
    tell(user, bad, good)
    deliveries_pump()
    assert states(good) == {Status.SENT: 1}
    row = Delivery.objects.get(channel=bad)
    assert (row.status, row.error) == (Status.QUEUED, "something broke on our side")


def test_a_channel_that_keeps_failing_rests(user, service, webhook):
    service.failing_paths = {"/broken": 503}
    broken = webhook("broken")
    tell(user, broken, count=10)
    deliveries_pump()
    assert len(service.requests) == 3, "three failures in a row, then a rest"
    broken.refresh_from_db()
    assert timedelta(seconds=3) < broken.resume_at - timezone.now() <= timedelta(seconds=5)

    service.failing_paths = {}
    UserChannel.objects.update(resume_at=timezone.now())
    Delivery.objects.filter(channel=broken).update(due_at=timezone.now())
    deliveries_pump()
    assert states(broken) == {Status.SENT: 10}
    broken.refresh_from_db()
    assert (broken.failures, broken.resume_at) == (0, None)


def test_a_rate_is_kept_and_nothing_is_lost(user, service, webhook):
    paced, free = webhook("paced", rate_per_min=5), webhook("free")
    tell(user, paced, free, count=12)
    deliveries_pump()
    assert states(paced) == {Status.SENT: 5, Status.QUEUED: 7}
    assert states(free) == {Status.SENT: 12}, "the rate of another is no concern of its"
    for minute, sent in ((1, 10), (2, 12)):
        passed = timedelta(seconds=61)
        Delivery.objects.filter(channel=paced, status=Status.SENT).update(
            tried_at=timezone.now() - passed * minute
        )
        UserChannel.objects.update(resume_at=timezone.now())
        deliveries_pump()
        assert states(paced)[Status.SENT] == sent
    subjects = Counter(path for path, *_ in service.requests)
    assert subjects == {"/paced": 12, "/free": 12}


def test_five_hundred_alerts_leave_in_seconds(user, service, webhook):
    channels = [webhook(f"c{number}", rate_per_min=600) for number in range(4)]
    tell(user, *channels, count=125)
    began = time.monotonic()
    while Delivery.objects.filter(status=Status.QUEUED).exists():
        deliveries_pump()
        assert time.monotonic() - began < 60
    ids = [headers["webhook-id"] for _, headers, _ in service.requests]
    assert len(ids) == 500
    assert set(Counter(ids).values()) == {4}, "each alert once for each channel"


def test_one_process_pumps_and_the_other_leaves_it_to_it(user, service, webhook):
    tell(user, webhook("x"))
    options = connection.get_connection_params()
    given = {name: options[name] for name in ("dbname", "user", "password", "host", "port")}
    with psycopg.connect(**given) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK_ID])
        assert deliveries_pump() == 0
        other.execute("SELECT pg_advisory_unlock(%s)", [LOCK_ID])
    assert deliveries_pump() == 1


def test_what_the_time_did_not_reach_is_queued_again(user, service, webhook):
    from core.outbox.models import OutboxMessage

    tell(user, webhook("x"), count=3)
    OutboxMessage.objects.all().delete()
    assert deliveries_pump(budget_s=0) == 0
    assert OutboxMessage.objects.get().task == "notifications.delivery_send"


def test_when_its_time_is_up_another_goes_on_while_slow_messages_are_on_their_way(
    user, service, webhook, channel_of, monkeypatch
):
    service.slow_paths = {"/slow": 1.2}
    slow, good = webhook("slow"), channel_of(user, "email", "trader@example.com")
    tell(user, slow, count=2)
    seen = []
    hand_over = pump._hand_over

    def go_on():
        if seen:
            return hand_over()
        with connection.cursor() as cursor:
            # The pump's is of one number; its sender's, of two, says that it lives.
            held = """
                SELECT objsubid FROM pg_locks JOIN pg_database ON pg_database.oid = database
                WHERE locktype = 'advisory' AND datname = current_database()
            """
            seen.append([row[0] for row in cursor.execute(held).fetchall()])
        tell(user, good)
        seen.append(deliveries_pump())
        seen.append((states(good), states(slow)))
        return None

    monkeypatch.setattr(pump, "_hand_over", go_on)
    assert deliveries_pump(budget_s=0.3) == 1
    locks, sent, (others, own) = seen
    assert (locks, sent, others) == ([2], 1, {Status.SENT: 1})
    assert own == {Status.SENDING: 1, Status.QUEUED: 1}, "one message of a channel at a time"
    assert deliveries_pump() == 1
    assert states(slow) == {Status.SENT: 2}


def test_many_channels_that_hang_leave_room_for_one_that_works(
    user, service, channel_of, webhook, django_user_model, monkeypatch
):
    """As when a host hangs that many users have their webhooks at."""
    monkeypatch.setattr("notifications.channels.webhook.TIMEOUT_S", 1.0)
    service.slow_paths = {f"/slow{n}": 3.0 for n in range(14)}
    for n in range(14):
        other = django_user_model.objects.create_user(f"t{n}@example.com", None)
        hangs = channel_of(other, "webhook", f"{service.url}/slow{n}")
        tell(other, hangs, count=3)
    UserChannel.objects.update(failures=1)
    good = webhook("good")
    tell(user, good, count=2)
    began = timezone.now()
    deliveries_pump(budget_s=1.0)
    assert states(good) == {Status.SENT: 2}
    late = Delivery.objects.filter(channel=good).latest("sent_at").sent_at - began
    assert late < timedelta(seconds=0.8), f"it waited {late}"


def test_shares_keep_one_owner_from_taking_every_thread(user, service, webhook, monkeypatch):
    service.delay_s = 0.15
    flying = []
    land = pump._Pump._land
    monkeypatch.setattr(
        pump._Pump,
        "_land",
        lambda self, future: (flying.append(len(self._flying)), land(self, future)),
    )
    tell(user, *[webhook(f"c{number}") for number in range(8)])
    deliveries_pump()
    assert max(flying) == pump.PER_OWNER_AND_KIND
    assert len(service.requests) == 8


@pytest.fixture
def at_it(db):
    """Be another process that is sending: it has a connection of its own, and holds its lock."""
    options = connection.get_connection_params()
    keys = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{key: options[key] for key in keys}) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [senders.CLASS, 17])
        yield 17


def left_by(sender, channel):
    """Leave a message of a channel in the middle, as a process does that is killed."""
    tell(channel.owner, channel)
    now = timezone.now()
    lost = Delivery.objects.filter(channel=channel)
    lost.update(
        status=Status.SENDING,
        attempts=1,
        tried_at=now,
        sender=sender,
        leased_until=now + timedelta(seconds=90),
    )
    tell(channel.owner, channel, name="next")


def test_what_a_killed_process_left_is_settled_by_the_next_one_at_once(
    user, service, webhook, channel_of, at_it
):
    dead = webhook("dead")
    sms = channel_of(user, "sms", "+14155550123")
    alive = webhook("alive")
    left_by(99, dead)
    left_by(99, sms)
    left_by(at_it, alive)
    deliveries_pump()
    assert states(dead) == {Status.QUEUED: 1, Status.SENT: 1}, "nothing waits for a lease"
    assert states(sms) == {Status.UNKNOWN: 1, Status.SENT: 1}, "it is not sent twice"
    assert states(alive) == {Status.SENDING: 1, Status.QUEUED: 1}, "who lives ends it itself"


def test_a_process_holds_its_lock_while_its_messages_are_on_their_way(
    user, service, webhook, monkeypatch
):
    seen = []
    monkeypatch.setattr(
        "notifications.pump.attempt_end",
        lambda attempt, outcome: (
            seen.append({row.sender for row in Delivery.objects.filter(status=Status.SENDING)}),
            seen.append(senders.senders_alive()),
            attempt_end(attempt, outcome),
        ),
    )
    tell(user, webhook("a"))
    deliveries_pump()
    sending, alive = seen
    assert sending == alive
    assert len(alive) == 1
    assert senders.senders_alive() == set()
