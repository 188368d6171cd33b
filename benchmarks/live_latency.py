"""Time from a closed bar to the order at the paper venue, with many running deployments.

Run it as ``python -m benchmarks.live_latency [--deployments 100]``; it takes about a minute. It
starts a PostgreSQL and a Valkey of its own in a temporary folder. Each deployment has an account
of its own and a strategy that buys at every bar, so that every tick ends in an order. Two things
are timed: bars that close one after the other, each until its own order lies at the venue, and the
worst case, one bar that closes for all at once, worked off by one process.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from backtester.stack.account import account_for
from backtester.stack.cluster import Cluster
from backtester.stack.ports import port_free_find
from backtester.stack.postgres import PostgresServer
from backtester.stack.valkey import ValkeyServer

BARS: Final = 2_000
MINUTE_NS: Final = 60 * 10**9
GOAL_MS: Final = 150.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=100)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="live-latency-"))
    folder.chmod(0o711)
    home = folder / "postgres"
    server = PostgresServer(
        cluster=Cluster(home=home, account=account_for(home)),
        port=port_free_find(),
        log=folder / "postgres.log",
        durable=True,
    )
    valkey = ValkeyServer(
        home=folder / "valkey",
        port=port_free_find(),
        password=secrets.token_hex(16),
        log=folder / "valkey.log",
        durable=False,
    )
    server.start()
    valkey.start()
    try:
        os.environ |= {
            "DATABASE_URL": server.url,
            "REDIS_URL": valkey.url,
            "BARS_URL": str(folder / "bars"),
            "VAR_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "backtester.settings",
        }
        import django  # noqa: PLC0415 - after the environment says where the database is
        from django.core.management import call_command  # noqa: PLC0415 - likewise

        django.setup()
        call_command("migrate", verbosity=0)
        return measure(options.deployments)
    finally:
        valkey.stop()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def measure(count: int) -> int:
    market = _Market()
    market.store(0, BARS)
    deployments = [market.deploy(number) for number in range(count)]
    market.store(BARS, BARS + 1)
    for deployment in deployments:  # warm: compiled plans, loaded kernels
        market.order(deployment, BARS)
    market.store(BARS + 1, BARS + 2)
    alone = [market.order(deployment, BARS + 1) for deployment in deployments]
    market.store(BARS + 2, BARS + 3)
    began = time.time()
    together = []
    for deployment in deployments:
        waited = (time.time() - began) * 1000
        together.append(waited + market.order(deployment, BARS + 2))
    print(f"{count} running deployments, {BARS:,} bars of history, PostgreSQL durable\n")
    for title, times in (("one after the other", alone), ("all at once, one process", together)):
        p50, p99 = np.percentile(times, [50, 99])
        print(f"{title:<26} p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   worst {max(times):7.1f} ms")
    passed = float(np.percentile(alone, 99)) < GOAL_MS
    print(f"\ngoal p99 < {GOAL_MS:.0f} ms, one after the other: {'met' if passed else 'missed'}")
    return 0 if passed else 1


class _Market:
    """One instrument, and users who trade it."""

    def __init__(self) -> None:
        from market.models import Instrument  # noqa: PLC0415 - after django.setup

        self.instrument = Instrument.objects.create(
            symbol="WALK", asset_class="crypto", calendar="24/7", timezone="UTC"
        )
        random = np.random.default_rng(1)
        close = np.round(100 * np.exp(np.cumsum(random.normal(0, 5e-4, BARS + 5))), 2)
        self.ts = np.arange(BARS + 5, dtype=np.int64) * MINUTE_NS + 1_704_067_200 * 10**9
        self.close = close

    def store(self, start: int, stop: int) -> None:
        from core.engine.bars import Bars  # noqa: PLC0415 - after django.setup
        from market.archive import history_store  # noqa: PLC0415 - likewise
        from market.history import History  # noqa: PLC0415 - likewise
        from market.intervals import interval_get  # noqa: PLC0415 - likewise

        close = self.close[start:stop]
        bars = Bars.from_arrays(
            ts=self.ts[start:stop],
            open=close,
            high=close + 0.01,
            low=close - 0.01,
            close=close,
            volume=np.ones(stop - start),
        )
        history_store(
            instrument=self.instrument,
            interval=interval_get("1m"),
            provider="csv",
            history=History.from_bars(bars),
        )

    def over(self, number: int) -> Any:
        from brokers.deployments.timing import moment_of  # noqa: PLC0415 - after django.setup

        return moment_of(int(self.ts[number]) + MINUTE_NS)

    def deploy(self, number: int) -> Any:
        from decimal import Decimal  # noqa: PLC0415 - with the others

        from brokers.deployments.services import (  # noqa: PLC0415 - after django.setup
            deployment_begin,
            deployment_create,
            deployment_start,
        )
        from brokers.models import BrokerAccount  # noqa: PLC0415 - likewise
        from core.accounts.models import User  # noqa: PLC0415 - likewise
        from strategies.selectors import template_graph  # noqa: PLC0415 - likewise
        from strategies.services import strategy_create  # noqa: PLC0415 - likewise

        user = User.objects.create(email=f"trader{number}@example.com")
        account = BrokerAccount.objects.create(owner=user, kind="paper", name="Paper")
        strategy = strategy_create(owner_id=user.id, graph=template_graph("dca")[0], name="DCA")
        deployment = deployment_create(
            strategy=strategy,
            account=account,
            symbol="WALK",
            interval="1m",
            capital=Decimal(50_000),
            parameters={"every": 1, "purchases": 100},
        )
        deployment_start(deployment=deployment)
        deployment_begin(deployment=deployment, now=self.over(BARS - 1))
        return deployment

    def order(self, deployment: Any, number: int) -> float:
        """Decide on a bar and return how many milliseconds later its order is at the venue."""
        from brokers.deployments.ticking import deployment_tick  # noqa: PLC0415 - as above
        from brokers.dispatch import account_send  # noqa: PLC0415 - as above
        from brokers.models import Order, PaperOrder  # noqa: PLC0415 - as above

        began = time.time()
        tick = deployment_tick(deployment_id=deployment.id, now=self.over(number))
        account_send(account_id=deployment.account_id)
        assert tick is not None
        sent = Order.objects.get(deployment_id=deployment.id, bar_ts=tick.bar_ts)
        there = PaperOrder.objects.get(client_order_id=sent.client_order_id)
        return (there.created_at.timestamp() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
