from __future__ import annotations

from uuid import UUID

from celery import shared_task
from celery.signals import worker_shutting_down

from brokers.changing import order_change
from brokers.choices import LOOK_TASK
from brokers.dispatch import accounts_send, order_submit
from brokers.models import Order
from brokers.paper.carrying import accounts_carry
from brokers.paper.expiring import accounts_expire
from brokers.resolving import accounts_follow
from brokers.risk.losses import losses_sample
from brokers.streams import listening
from brokers.streams.taking import orders_look
from brokers.sweeping import account_compare, orders_sweep

# As often as the schedule says.
STREAM_WATCH_S = 10


@shared_task(name="brokers.order_submit")
def submit(order_id: str) -> None:
    """Send one order, and look after what should be done at once."""
    order_submit(order_id=UUID(order_id))
    rows = Order.objects.filter(id=order_id)
    accounts_follow(account_ids=rows.values_list("account_id", flat=True))


@shared_task(name="brokers.accounts_send")
def send(account_ids: list[str]) -> None:
    """Send what waits in accounts, and look after what should be done at once."""
    ids = [UUID(each) for each in account_ids]
    accounts_send(account_ids=ids)
    accounts_follow(account_ids=ids)


@shared_task(name="brokers.order_change")
def change(order_id: str) -> None:
    """Cancel or replace one order at its venue."""
    order_change(order_id=UUID(order_id))


@shared_task(name="brokers.account_reconcile")
def reconcile(account_id: str) -> None:
    """Compare an account with what its broker says."""
    account_compare(account_id=UUID(account_id))


@shared_task(name="brokers.sweep")
def sweep() -> None:
    """Find out about orders that were left behind."""
    orders_sweep()


@shared_task(name="brokers.paper_carry")
def paper_carry() -> None:
    """Charge paper accounts for the nights that are over."""
    accounts_carry()


@shared_task(name="brokers.paper_expire")
def paper_expire() -> None:
    """Settle contracts of paper accounts that are over."""
    accounts_expire()


@shared_task(name="brokers.losses_sample")
def sample() -> None:
    """Write down what the scopes of limits on losses have won."""
    losses_sample()


@shared_task(name=LOOK_TASK)
def look(order_ids: list[str]) -> None:
    """Ask brokers about orders whose updates say more than we know."""
    orders_look([UUID(each) for each in order_ids])


@shared_task(name="brokers.stream_watch")
def stream_watch() -> None:
    """Have somebody listen to order updates where accounts with a stream are in use."""
    if listening.stream_due():
        stream.apply_async(queue="market", expires=STREAM_WATCH_S)


@shared_task(name="brokers.stream")
def stream() -> None:
    """Listen to order updates; ends after minutes, and the next task goes on."""
    if listening.orders_stream():
        stream.apply_async(queue="market", expires=STREAM_WATCH_S)


@worker_shutting_down.connect
def stream_stop(**_: object) -> None:
    """Let the stream end with its worker, instead of keeping it waiting for minutes."""
    listening.stream_stop()
