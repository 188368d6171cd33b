"""What is looked after on a schedule: what a lost task, a dead sender or silence left behind."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from brokers.adapters.kinds import ADAPTERS
from brokers.changing import unwanted_withdraw
from brokers.choices import (
    CHANGE_TASK,
    RECONCILE_TASK,
    WORKING_STATUSES,
    AccountState,
    OrderStatus,
)
from brokers.models import BrokerAccount, Order
from brokers.queueing import sending_enqueue
from brokers.reconciling import account_reconcile, orders_bury
from brokers.resolving import orders_ask, orders_resolve
from brokers.rounds import orders_to_send
from brokers.silence import askable, silence_watched
from brokers.turns import turn
from core.outbox.services import task_enqueue

# The task of a new order is normally there within a second.
LOST_AFTER = timedelta(seconds=10)
ASK_WORKING_AFTER = timedelta(seconds=8)
RECONCILE_EVERY = timedelta(seconds=60)
SWEEP_BATCH = 200


def orders_sweep() -> None:
    """Queue what was lost; find out about what nobody knows; look after what waits at a venue."""
    orders_bury(Order.objects.filter(leased_until__lt=timezone.now()))
    _lost_queue()
    _accounts_queue()
    # Last: what only the database is asked for waits for no venue. One process waits for them.
    with turn("orders-sweep") as mine:
        for ask in (_unknown_resolve, _working_ask) if mine else ():
            with askable(ADAPTERS.names()) as asked:
                ask(Order.objects.filter(account__kind__in=asked))


def account_compare(*, account_id: UUID) -> None:
    """Reconcile an account; of those at a silent broker one process does one at a time."""
    kinds = BrokerAccount.objects.filter(id=account_id).values_list("kind", flat=True)
    with askable(kinds) as asked, silence_watched(asked):
        if asked:
            account_reconcile(account_id=account_id)


def _unknown_resolve(rows: QuerySet[Order]) -> None:
    due = Q(ask_at__isnull=True) | Q(ask_at__lte=timezone.now())
    unknown = rows.filter(due, status=OrderStatus.UNKNOWN)
    ids = unknown.order_by(F("ask_at").asc(nulls_first=True)).values_list("id", flat=True)
    orders_resolve(Order.objects.filter(id__in=list(ids[:SWEEP_BATCH])))


def _working_ask(rows: QuerySet[Order]) -> None:
    """Ask about what waits at venues, those longest not asked about first."""
    waiting = rows.filter(
        status__in=WORKING_STATUSES, updated_at__lt=timezone.now() - ASK_WORKING_AFTER
    )
    orders = list(waiting.select_related("account").order_by("updated_at")[:SWEEP_BATCH])
    with transaction.atomic():
        asked = Order.objects.filter(id__in=[order.id for order in orders])
        # In the order in which venues' news lock them.
        list(asked.select_for_update().order_by("id").values_list("id", flat=True))
        asked.update(updated_at=timezone.now())
    # Whoever was to cancel these died, or was overtaken, before the venue heard of it.
    unwanted_withdraw([order.id for order in orders if order.cancel_requested_at is not None])
    orders_ask(order for order in orders if order.cancel_requested_at is None)


def _lost_queue() -> None:
    now = timezone.now()
    lost = orders_to_send().filter(updated_at__lt=now - LOST_AFTER)
    with transaction.atomic():
        orders = list(lost.select_related("account").order_by("updated_at")[:SWEEP_BATCH])
        ids = {order.account_id for order in orders}
        lost.filter(account_id__in=ids).update(updated_at=now)
        sending_enqueue(order.account for order in orders)
        # What was to replace an order that has ended, or is canceled.
        changes = Order.objects.filter(
            ~Exists(orders_to_send().filter(id=OuterRef("id"))),
            status=OrderStatus.CREATED,
            replaces__updated_at__lt=now - LOST_AFTER,
        )
        for order_id in changes.values_list("replaces_id", flat=True)[:SWEEP_BATCH]:
            task_enqueue(task=CHANGE_TASK, args=[str(order_id)], queue="orders")


def _accounts_queue() -> None:
    """Queue the reconciliation of accounts with something at a broker, each once a minute.

    Those first that were not tried for longest: who fails gives its lease back as one that died.
    Of each kind so many, for accounts at one broker fail together.
    """
    due = timezone.now() - RECONCILE_EVERY
    remote = [name for name in ADAPTERS.names() if ADAPTERS.get(name).capabilities.remote]
    waiting = Order.objects.filter(
        account=OuterRef("id"), status__in=[*WORKING_STATUSES, OrderStatus.UNKNOWN]
    )
    rows = BrokerAccount.objects.filter(
        Q(kind__in=remote, sealed__isnull=False) | Exists(waiting),
        Q(reconciled_at__isnull=True) | Q(reconciled_at__lt=due),
    ).exclude(state=AccountState.HALTED, updated_at__gt=due)
    tried = Greatest("reconciled_at", "sender_until").asc(nulls_first=True)
    ids = rows.order_by(tried).values_list("id", flat=True)
    found = [list(ids.filter(kind=kind)[:SWEEP_BATCH]) for kind in ADAPTERS.names()]
    with transaction.atomic():
        for account_id in chain(*found):
            task_enqueue(task=RECONCILE_TASK, args=[str(account_id)], queue="live")
