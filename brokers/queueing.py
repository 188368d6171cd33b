"""Queueing the sending of orders that are committed."""

from __future__ import annotations

from collections.abc import Iterable

from brokers.choices import SEND_TASK
from brokers.models import BrokerAccount
from core.outbox.services import task_enqueue


def sending_enqueue(accounts: Iterable[BrokerAccount]) -> None:
    """Queue the sending of what waits in accounts, with the transaction that is open.

    One message a kind of broker: a slow one holds up no other.
    """
    by_kind: dict[str, set[str]] = {}
    for account in accounts:
        by_kind.setdefault(account.kind, set()).add(str(account.id))
    for _, ids in sorted(by_kind.items()):
        task_enqueue(task=SEND_TASK, args=[sorted(ids)], queue="orders")
