"""Events are numbered without a gap, in the order of their commits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from core.realtime.models import Event, Ticket
from core.realtime.selectors import events_between
from core.realtime.services import event_publish, events_prune, ticket_create, ticket_redeem


def test_numbers_grow_by_one_also_when_processes_publish_at_once(user):
    def publish(number):
        try:
            event_publish(user_id=user.id, topic="orders", type="test", data={"n": number})
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(40)))
    assert sorted(Event.objects.values_list("seq", flat=True)) == list(range(1, 41))


def test_a_failed_transaction_takes_no_number(user):
    with transaction.atomic():
        event_publish(user_id=user.id, topic="orders", type="test", data={})
        transaction.set_rollback(True)
    assert event_publish(user_id=user.id, topic="orders", type="test", data={}).seq == 1


def test_each_user_has_numbers_of_their_own(user, django_user_model):
    other = django_user_model.objects.create_user("other@example.com", "x" * 12)
    event_publish(user_id=user.id, topic="orders", type="test", data={})
    assert event_publish(user_id=other.id, topic="orders", type="test", data={}).seq == 1


def test_what_was_missed_is_read_by_topic_and_number(user):
    for topic in ("orders", "alerts", "orders", "orders"):
        event_publish(user_id=user.id, topic=topic, type="test", data={})
    frames = events_between(user_id=user.id, after=1, until=3, topics=["orders"], limit=10)
    assert [frame["seq"] for frame in frames] == [3]


def test_a_ticket_is_good_once_and_for_a_short_time(user):
    token, _ = ticket_create(user_id=user.id)
    assert ticket_redeem(token=token) == user.id
    assert ticket_redeem(token=token) is None
    late, _ = ticket_create(user_id=user.id)
    Ticket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ticket_redeem(token=late) is None


def test_only_the_hash_of_a_ticket_is_kept(user):
    token, ticket = ticket_create(user_id=user.id)
    assert token not in ticket.token_hash


def test_old_events_are_pruned(user):
    event_publish(user_id=user.id, topic="orders", type="old", data={})
    Event.objects.update(created_at=timezone.now() - timedelta(days=8))
    event_publish(user_id=user.id, topic="orders", type="new", data={})
    assert events_prune() == 1
    assert Event.objects.get().type == "new"
