"""Transactional outbox: a task is queued if and only if the change that wants it is committed.

The message is sent right after the commit; if the broker is away, or the process dies in between,
the row stays and `relay` sends it. A message may be sent twice, never not at all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from core.outbox.models import OutboxMessage

log = structlog.get_logger(__name__)

# A pooled connection may be stale after a restart of the broker: one more try opens a new one.
RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
# Younger messages are most likely being sent by the process that wrote them.
RELAY_AFTER = timedelta(seconds=3)
RELAY_BATCH = 500


def task_enqueue(*, task: str, args: list[Any], queue: str) -> OutboxMessage:
    """Queue a task with the transaction that is open now.

    Parameters
    ----------
    task : str
        Name of the task, such as ``"core.backtests.run"``.
    args : list
        Ids and plain JSON values.
    queue : str
        One of `settings.QUEUES`.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("task_enqueue belongs into the transaction that changes the state.")
    message = OutboxMessage.objects.create(task=task, args=args, queue=queue)
    transaction.on_commit(lambda: message_send(message=message), robust=True)
    return message


def message_send(*, message: OutboxMessage) -> bool:
    """Hand a message to the broker and forget it; keep it, with the error, if that fails."""
    try:
        current_app.send_task(
            message.task,
            args=message.args,
            queue=message.queue,
            retry=True,
            retry_policy=RETRY_POLICY,
        )
    except (OperationalError, OSError) as error:
        log.warning("outbox.broker_away", task=message.task, error=str(error))
        OutboxMessage.objects.filter(id=message.id).update(
            attempts=message.attempts + 1, last_error=str(error)[:500]
        )
        return False
    OutboxMessage.objects.filter(id=message.id).delete()
    return True


def outbox_relay(*, batch: int = RELAY_BATCH) -> int:
    """Send what was left behind, oldest first; return how many were sent.

    Rows are locked while they are sent, so that two relays at once share the work.
    """
    with transaction.atomic():
        waiting = OutboxMessage.objects.select_for_update(skip_locked=True).filter(
            created_at__lt=timezone.now() - RELAY_AFTER
        )
        sent = 0
        for message in waiting.order_by("created_at")[:batch]:
            if not message_send(message=message):
                break
            sent += 1
    return sent
