"""Calling senders for orders that are committed."""

from __future__ import annotations

from collections.abc import Iterable

from brokers.choices import SEND_TASK
from brokers.lease import Lease, leases_release
from brokers.models import BrokerAccount
from brokers.rounds import orders_waiting
from core.outbox.services import task_enqueue
from core.transactions import atomic


def sending_enqueue(accounts: Iterable[BrokerAccount]) -> None:
    """Queue the sending of what waits in accounts, with the transaction that is open.

    One message a kind of broker: a slow one holds up no other.
    """
    by_kind: dict[str, set[str]] = {}
    for account in accounts:
        by_kind.setdefault(account.kind, set()).add(str(account.id))
    for _, ids in sorted(by_kind.items()):
        task_enqueue(task=SEND_TASK, args=[sorted(ids)], queue="orders")


@atomic
def lease_hand_over(lease: Lease) -> None:
    """Give a lease back, and call a sender for what waits behind it.

    The sender that was called when it was placed found the lease taken, and has gone.
    """
    if leases_release([lease], clean=True) and orders_waiting([lease.account_id]).exists():
        sending_enqueue(BrokerAccount.objects.filter(id=lease.account_id).only("kind"))
