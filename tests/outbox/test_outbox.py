"""A task is queued if and only if the change that wants it is committed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.outbox.models import OutboxMessage
from core.outbox.services import outbox_relay, task_enqueue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker():
    client = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    client.delete("sweeps")
    yield client
    client.delete("sweeps")


def queued(broker):
    return [json.loads(message)["headers"]["task"] for message in broker.lrange("sweeps", 0, -1)]


def enqueue():
    return task_enqueue(task="core.backtests.run", args=["an-id"], queue="sweeps")


def test_a_committed_message_reaches_the_broker_and_is_forgotten(broker):
    with transaction.atomic():
        enqueue()
        assert queued(broker) == []
    assert queued(broker) == ["core.backtests.run"]
    assert not OutboxMessage.objects.exists()


def test_a_message_of_a_failed_transaction_never_goes_out(broker):
    with transaction.atomic():
        enqueue()
        transaction.set_rollback(True)
    assert queued(broker) == []
    assert outbox_relay() == 0


def test_outside_of_a_transaction_it_is_refused():
    with pytest.raises(RuntimeError, match="transaction"):
        enqueue()


def test_a_message_the_broker_could_not_take_is_kept_and_relayed_later(broker, monkeypatch):
    from celery import current_app

    def away(*args, **kwargs):
        raise ConnectionRefusedError("broker away")

    with monkeypatch.context() as patch:
        patch.setattr(current_app, "send_task", away)
        with transaction.atomic():
            enqueue()
    message = OutboxMessage.objects.get()
    assert (message.attempts, message.last_error) == (1, "broker away")

    assert outbox_relay() == 0, "younger messages may still be on their way"
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert outbox_relay() == 1
    assert queued(broker) == ["core.backtests.run"]
    assert not OutboxMessage.objects.exists()
