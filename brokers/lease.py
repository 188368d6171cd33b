"""One sender per account: a lease that lapses, and a number that fences whoever held it before.

The lease keeps two processes from sending at the same time. The number keeps a process that was
asleep past its lease from going on: it is compared, with the account's row locked, in the very
transaction that decides to send.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from brokers.models import BrokerAccount

# Longer than one call to a broker and its retries on the way to the database.
LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send for an account.

    Attributes
    ----------
    clean : bool
        Whether the sender before ended as it should; otherwise it died, and what it was doing
        must be found out before anything is sent.
    """

    account_id: UUID
    fence: int
    clean: bool


def lease_claim(account_id: UUID) -> Lease | None:
    """Return the lease of an account, None while another sender has it."""
    now = timezone.now()
    with transaction.atomic():
        account = (
            BrokerAccount.objects.select_for_update(no_key=True)
            .only("sender_fence", "sender_until")
            .get(id=account_id)
        )
        if account.sender_until is not None and account.sender_until > now:
            return None
        fence = account.sender_fence + 1
        BrokerAccount.objects.filter(id=account_id).update(
            sender_fence=fence, sender_until=now + LEASE
        )
    return Lease(account_id=account_id, fence=fence, clean=account.sender_until is None)


def lease_hold(lease: Lease) -> BrokerAccount | None:
    """Lock the account's row and prolong the lease; None where it was lost.

    Call it in the transaction that decides to send: until that commits, neither another sender
    nor a kill switch can change the account.
    """
    account = BrokerAccount.objects.select_for_update(no_key=True).get(id=lease.account_id)
    if account.sender_fence != lease.fence:
        return None
    account.sender_until = timezone.now() + LEASE
    BrokerAccount.objects.filter(id=account.id).update(sender_until=account.sender_until)
    return account


def lease_release(lease: Lease, *, clean: bool) -> None:
    """Give the lease back.

    A sender that leaves something undone gives it back as if it had died: whoever comes next
    finds out first what holds.
    """
    BrokerAccount.objects.filter(id=lease.account_id, sender_fence=lease.fence).update(
        sender_until=None if clean else timezone.now()
    )
