"""One sender per account: a lease that lapses, and a number that fences whoever held it before.

The lease keeps two processes from sending at the same time. The number keeps a process that was
asleep past its lease from going on: it is compared, with the account's row locked, in the very
transaction that decides to send. Rows of several accounts are locked in the order of their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from brokers.models import BrokerAccount
from core.transactions import atomic

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


def accounts_lock(account_ids: Iterable[UUID]) -> list[BrokerAccount]:
    """Lock the rows of accounts for the transaction that is open, and return them as they are."""
    return list(_locked(account_ids))


def _locked(account_ids: Iterable[UUID]) -> QuerySet[BrokerAccount]:
    rows = BrokerAccount.objects.select_for_update(no_key=True)
    return rows.filter(id__in=list(account_ids)).order_by("id")


@atomic
def leases_claim(account_ids: Sequence[UUID]) -> list[Lease]:
    """Return the leases of those accounts that no other sender has."""
    now = timezone.now()
    rows = _locked(account_ids).only("sender_fence", "sender_until")
    free = [row for row in rows if row.sender_until is None or row.sender_until <= now]
    return leases_take(free)


def leases_take(free: Sequence[BrokerAccount]) -> list[Lease]:
    """Take the leases of accounts that nobody has, whose rows the caller has locked."""
    if not free:
        return []
    BrokerAccount.objects.filter(id__in=[account.id for account in free]).update(
        sender_fence=F("sender_fence") + 1, sender_until=timezone.now() + LEASE
    )
    return [
        Lease(account.id, fence=account.sender_fence + 1, clean=account.sender_until is None)
        for account in free
    ]


def lease_claim(account_id: UUID) -> Lease | None:
    """Return the lease of an account, None while another sender has it."""
    leases = leases_claim([account_id])
    return leases[0] if leases else None


def leases_hold(leases: Sequence[Lease]) -> list[BrokerAccount]:
    """Lock the accounts' rows and prolong the leases; leave out those that were lost.

    Call it in the transaction that decides to send: until that commits, neither another sender
    nor a kill switch can change these accounts.
    """
    if not leases:
        return []
    fences = {lease.account_id: lease.fence for lease in leases}
    held = [row for row in accounts_lock(fences) if row.sender_fence == fences[row.id]]
    until = timezone.now() + LEASE
    BrokerAccount.objects.filter(id__in=[row.id for row in held]).update(sender_until=until)
    return held


def lease_hold(lease: Lease) -> BrokerAccount | None:
    """Lock the account's row and prolong the lease; None where it was lost."""
    held = leases_hold([lease])
    return held[0] if held else None


@atomic
def leases_release(leases: Sequence[Lease], *, clean: bool) -> list[UUID]:
    """Give leases back; return the accounts whose leases were still held.

    A sender that leaves something undone gives them back as if it had died: whoever comes next
    finds out first what holds.
    """
    if not leases:
        return []
    fences = {lease.account_id: lease.fence for lease in leases}
    rows = _locked(fences).only("sender_fence")
    held = [row.id for row in rows if row.sender_fence == fences[row.id]]
    BrokerAccount.objects.filter(id__in=held).update(sender_until=None if clean else timezone.now())
    return held
