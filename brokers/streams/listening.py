"""Listening to brokers' order updates: one worker at a time, one connection an account.

What is heard is written down here; brokers are asked by other tasks, so that one that does not
answer holds up nobody's updates.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef
from django.utils import timezone

from brokers.access import access_of
from brokers.choices import LOOK_TASK, OPEN_STATUSES, RECONCILE_TASK
from brokers.deployments.choices import DeploymentState
from brokers.models import BrokerAccount, Deployment, Order
from brokers.streams.base import Update
from brokers.streams.kinds import STREAMS
from brokers.streams.lines import Heard, Lines, Source
from brokers.streams.taking import updates_take
from core.errors import Permanent
from core.outbox.services import task_enqueue
from core.transactions import atomic
from market.stream_lease import is_leased, lease_break, lease_end, lease_renew, lease_take

log = structlog.get_logger(__name__)

LEASE: Final = "orders"
# A worker listens for so long, below the limit of a task; then the next task goes on.
STREAM_FOR_S: Final = 600.0
# At most between two looks at what was told; an update ends the wait.
FLUSH_EVERY_S: Final = 0.5
# Between two looks at which accounts are in use.
LOOK_EVERY_S: Final = 1.0
# An account is listened to for so long after its last order.
USED_WITHIN: Final = timedelta(hours=1)
# An update may come before its order's id is written down.
STRANGE_FOR_S: Final = 3.0
# An account with orders of others is reconciled so often at most.
RECONCILE_EVERY_S: Final = 10.0
TRADING: Final = (
    DeploymentState.STARTING,
    DeploymentState.RUNNING,
    DeploymentState.PAUSED,
    DeploymentState.STOPPING,
)


def stream_due() -> bool:
    """Return whether an account with a stream is in use, and nobody listens."""
    return not is_leased(LEASE) and bool(_sources())


def stream_stop() -> None:
    """Have whoever listens stop within a second."""
    lease_break(LEASE)


def orders_stream(*, for_s: float = STREAM_FOR_S) -> bool:
    """Listen while accounts are in use; return whether some still are after `for_s` seconds.

    Ends at once where another worker listens, and within a second when the lease is taken away.
    """
    lease = lease_take(LEASE)
    if lease is None:
        return False
    ends_at, look_at = time.monotonic() + for_s, 0.0
    news = News()
    try:
        with Lines() as lines:
            while time.monotonic() < ends_at:
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + LOOK_EVERY_S
                    sources = _sources()
                    if not sources or not lease_renew(lease, LEASE):
                        return False
                    lines.want(sources)
                news.take(lines.take(within_s=FLUSH_EVERY_S))
    finally:
        lease_end(lease, LEASE)
    return True


class News:
    """What was heard: written down, and what is left of it queued."""

    def __init__(self) -> None:
        self._strange: list[tuple[float, UUID, Update]] = []
        self._reconciled: dict[UUID, float] = {}

    def take(self, heard: Heard) -> None:
        """Write down what came, and queue what the broker must be asked about."""
        now = time.monotonic()
        ask: set[UUID] = set()
        reconcile = set(heard.connected)
        before, self._strange = self._strange, []
        for since, account_id, update in [
            *before,
            *((now, account_id, update) for account_id, update in heard.updates),
        ]:
            taken = updates_take([(account_id, update)])
            ask |= taken.ask
            if not taken.strange:
                continue
            if now - since < STRANGE_FOR_S:
                self._strange.append((since, account_id, update))
            elif now - self._reconciled.get(account_id, -RECONCILE_EVERY_S) >= RECONCILE_EVERY_S:
                reconcile.add(account_id)
        for account_id in reconcile:
            self._reconciled[account_id] = now
        _enqueue(ask, reconcile)


@atomic
def _enqueue(ask: set[UUID], reconcile: set[UUID]) -> None:
    """Queue questions: one message an account, so that they do not wait for each other."""
    by_account: dict[UUID, list[str]] = {}
    for order in Order.objects.filter(id__in=ask).only("account_id"):
        by_account.setdefault(order.account_id, []).append(str(order.id))
    for ids in by_account.values():
        task_enqueue(task=LOOK_TASK, args=[sorted(ids)], queue="live")
    for account_id in sorted(reconcile):
        task_enqueue(task=RECONCILE_TASK, args=[str(account_id)], queue="live")


def _sources() -> list[Source]:
    """Return the accounts in use that can be listened to."""
    mine = Order.objects.filter(account=OuterRef("id"))
    young = Order.objects.filter(
        owner=OuterRef("owner"),
        account=OuterRef("id"),
        created_at__gt=timezone.now() - USED_WITHIN,
    )
    trading = Deployment.objects.filter(account=OuterRef("id"), state__in=TRADING)
    rows = BrokerAccount.objects.filter(kind__in=STREAMS.names(), sealed__isnull=False).filter(
        Exists(mine.filter(status__in=OPEN_STATUSES)) | Exists(young) | Exists(trading)
    )
    sources = []
    for account in rows:
        try:
            sources.append(Source(account.kind, access_of(account)))
        except Permanent as error:
            log.warning("orders.not_streamed", account_id=str(account.id), error=error.message)
    return sources
