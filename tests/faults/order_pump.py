"""A worker with its clock, and somebody who places orders: processes of their own, for tests that
kill the servers under them. It is run as a script.

Waits are a hundred times shorter than the platform's. Each order whose commit was acknowledged is
told on the standard output; a line on the standard input ends the placing.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import django

django.setup()

from celery import signals  # noqa: E402 - Django must be set up first
from django.conf import settings  # noqa: E402 - Django must be set up first
from django.db import (  # noqa: E402
    InterfaceError,
    OperationalError,
    close_old_connections,
    connections,
)

from backtester.celery import app  # noqa: E402
from brokers import lease, resolving, rounds, services, sweeping  # noqa: E402
from brokers.access import credentials_seal  # noqa: E402
from brokers.choices import AssetType, OrderType, Side  # noqa: E402
from brokers.deployments.warm import kernel_warm  # noqa: E402
from brokers.models import BrokerAccount  # noqa: E402
from brokers.reconciling import account_reconcile  # noqa: E402
from core.accounts.models import User  # noqa: E402
from core.backtests.warm import simulation_warm  # noqa: E402
from core.errors import ApplicationError  # noqa: E402
from core.outbox import services as outbox  # noqa: E402
from market.models import Instrument  # noqa: E402

LEASE = timedelta(seconds=3)
AWAY = (OperationalError, InterfaceError)


def hurry():
    """Shorten the waits; a call is given up after a quarter of a second."""
    settings.BROKER_TIMEOUT_S = 0.25
    settings.BROKER_RATES = {}
    rounds.LEASE = lease.LEASE = LEASE
    resolving.ABSENT_AFTER = timedelta(seconds=2)
    resolving.ASK_LONGEST = timedelta(seconds=0.3)
    sweeping.LOST_AFTER = sweeping.ASK_WORKING_AFTER = timedelta(seconds=0.5)
    sweeping.RECONCILE_EVERY = timedelta(seconds=2)
    outbox.RELAY_AFTER = timedelta(seconds=0.5)


def clock():
    """What the schedule does, again and again, whatever is away."""
    while True:
        time.sleep(0.2)
        close_old_connections()
        try:
            outbox.outbox_relay()
            sweeping.orders_sweep()
        except AWAY:
            time.sleep(0.1)


def place(account, pause_s, stop):
    """Place orders by chance; an order whose commit is in doubt is placed again by its own id."""
    chance = random.Random(7)
    while not stop.is_set():
        limit = chance.choice([None, None, "99.5", "100.5"])
        order = {
            "client_order_id": str(uuid4()),
            "symbol": "ACME",
            "asset_type": AssetType.STOCK,
            "side": chance.choice([Side.BUY, Side.BUY, Side.SELL, Side.SHORT]),
            "order_type": OrderType.LIMIT if limit else OrderType.MARKET,
            "quantity": Decimal(chance.randint(1, 9)),
            "limit_price": Decimal(limit) if limit else None,
        }
        while not placed(account, order):
            time.sleep(0.1)
        say(f"placed {order['client_order_id']}")
        time.sleep(pause_s)
    say("stopped")


def placed(account, order):
    close_old_connections()
    try:
        services.order_create(account=account, **order)
    except AWAY:
        return False
    except ApplicationError as error:
        say(f"refused: {error.message}")
    return True


def account_made():
    owner = User.objects.create_user("faults@example.com", "correct horse battery")
    Instrument.objects.create(symbol="ACME")
    account = BrokerAccount(owner=owner, kind="alpaca", name="Faults")
    account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
    account.save()
    return account


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def cool():
    """Keep the worker from making kernels ready: it runs none."""
    signals.worker_init.disconnect(simulation_warm)
    signals.worker_init.disconnect(kernel_warm)


def work():
    """Be a worker; return only when it has ended."""
    app.worker_main(
        [
            *("worker", "--concurrency", "2", "--queues", "orders,live"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            *("--loglevel", "CRITICAL"),
        ]
    )


def nurse():
    """Have a worker run, and another one when it has ended, as the supervisor does."""
    while True:
        child = os.fork()
        if child == 0:
            try:
                work()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        say("ended")
        time.sleep(0.5)


def main():
    hurry()
    cool()
    pause_s = float(sys.argv[1])
    account = account_made()
    account_reconcile(account_id=account.id)
    connections.close_all()
    if os.fork() == 0:
        nurse()
    stop = threading.Event()
    threading.Thread(target=clock, daemon=True).start()
    threading.Thread(target=place, args=(account, pause_s, stop), daemon=True).start()
    sys.stdin.readline()
    stop.set()
    signal.pause()


if __name__ == "__main__":
    main()
