"""What is looked after on a schedule: what a lost task, a dead sender or silence left behind."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import (
    CHANGE_TASK,
    RECONCILE_TASK,
    WORKING_STATUSES,
    AccountState,
    OrderStatus,
)
from brokers.models import BrokerAccount, Order
from brokers.queueing import sending_enqueue
from brokers.reconciling import orders_bury
from brokers.resolving import orders_ask, orders_resolve
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
    # Last: what only the database is asked for waits for no venue.
    _unknown_resolve()
    _working_ask()


def _unknown_resolve() -> None:
    due = Q(ask_at__isnull=True) | Q(ask_at__lte=timezone.now())
    unknown = Order.objects.filter(due, status=OrderStatus.UNKNOWN)
    ids = unknown.order_by(F("ask_at").asc(nulls_first=True)).values_list("id", flat=True)
    orders_resolve(Order.objects.filter(id__in=list(ids[:SWEEP_BATCH])))


def _working_ask() -> None:
    """Ask about what waits at venues, those longest not asked about first."""
    rows = Order.objects.filter(
        status__in=WORKING_STATUSES, updated_at__lt=timezone.now() - ASK_WORKING_AFTER
    )
    orders = list(rows.select_related("account").order_by("updated_at")[:SWEEP_BATCH])
    with transaction.atomic():
        asked = Order.objects.filter(id__in=[order.id for order in orders])
        # In the order in which venues' news lock them.
        list(asked.select_for_update().order_by("id").values_list("id", flat=True))
        asked.update(updated_at=timezone.now())
    orders_ask(orders)


def _lost_queue() -> None:
    now = timezone.now()
    lost = Order.objects.filter(
        status=OrderStatus.CREATED, replaces=None, updated_at__lt=now - LOST_AFTER
    )
    with transaction.atomic():
        orders = list(lost.select_related("account").order_by("updated_at")[:SWEEP_BATCH])
        ids = {order.account_id for order in orders}
        lost.filter(account_id__in=ids).update(updated_at=now)
        sending_enqueue(order.account for order in orders)
        changes = Order.objects.filter(
            status=OrderStatus.PENDING_REPLACE,
            updated_at__lt=now - LOST_AFTER,
            id__in=Order.objects.filter(status=OrderStatus.CREATED).values("replaces_id"),
        )
        for order_id in changes.values_list("id", flat=True)[:SWEEP_BATCH]:
            task_enqueue(task=CHANGE_TASK, args=[str(order_id)], queue="orders")


def _accounts_queue() -> None:
    """Queue the reconciliation of accounts with something at a broker, each once a minute."""
    due = timezone.now() - RECONCILE_EVERY
    remote = [name for name in ADAPTERS.names() if ADAPTERS.get(name).capabilities.remote]
    rows = BrokerAccount.objects.filter(
        Q(kind__in=remote, sealed__isnull=False) | Q(orders__status__in=WORKING_STATUSES),
        Q(reconciled_at__isnull=True) | Q(reconciled_at__lt=due),
    ).exclude(state=AccountState.HALTED, updated_at__gt=due)
    ids = list(rows.values_list("id", flat=True).distinct()[:SWEEP_BATCH])
    with transaction.atomic():
        for account_id in ids:
            task_enqueue(task=RECONCILE_TASK, args=[str(account_id)], queue="live")
