"""Commissions that a broker tells after the executions which they were charged for.

They are asked for with each reconciliation, and whatever tells an execution again may bring one:
each is written down once, by whoever hears of it first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models import QuerySet
from django.db.models.functions import Random
from django.utils import timezone

from brokers.access import ref_of
from brokers.adapters.base import (
    Access,
    Adapter,
    Execution,
    OutcomeUnknown,
    Refused,
)
from brokers.adapters.charges import TellsCommissions, Uncharged
from brokers.models import BrokerAccount, Fill, Order
from brokers.recording import commissions_record

log = structlog.get_logger(__name__)

# What was not told by then is told no more: most brokers show the executions of a day.
CHARGED_WITHIN: Final = timedelta(days=2)
# Some brokers are asked about each order, and an account trades nothing meanwhile.
AT_ONCE: Final = 10


def fills_uncharged(now: datetime) -> QuerySet[Fill]:
    """Return the fills that have a commission which may still be told."""
    return Fill.objects.filter(commission=None, executed_at__gt=now - CHARGED_WITHIN)


def commissions_take(account: BrokerAccount, adapter: Adapter, access: Access) -> None:
    """Ask for the commissions that are missing.

    That a broker does not tell them keeps an account from nothing: it is asked again.
    """
    if not isinstance(adapter, TellsCommissions):
        return
    owed = fills_uncharged(timezone.now()).filter(account=account).values("order_id")
    rows = Order.objects.filter(id__in=owed).prefetch_related("fills")
    orders = [_uncharged(order) for order in rows.order_by(Random())[:AT_ONCE]]  # each in its turn
    if not orders:
        return
    try:
        told = adapter.commissions(access, orders)
    except (OutcomeUnknown, Refused) as error:
        log.warning("account.not_charged", account_id=str(account.id), error=str(error))
        return
    commissions_record(account_id=account.id, told=told)


def _uncharged(order: Order) -> Uncharged:
    executions = (
        Execution(fill.execution_id, fill.quantity, fill.price, fill.commission, fill.executed_at)
        for fill in order.fills.all()
    )
    return Uncharged(ref_of(order), tuple(executions))
