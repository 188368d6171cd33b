"""Time from a stored bar to the order's arrival at a broker, through all processes in between.

Run it as ``python -m benchmarks.orders [--deployments 100] [--rounds 2]``; a round takes a minute,
for bars are of a minute and workers go by the clock, and there are so many of each case: all on one
bar, each on a symbol whose bar comes at a time of its own, all symbols stored at once. It starts a
durable PostgreSQL, a Valkey, beat and workers as `manage.py up` does, and a broker that speaks
Alpaca's protocol in a process of its own. Each deployment has an account of its own and buys at
every bar.

The time begins when the bar is stored and its message is about to be sent, and ends when the
broker has read the order: the message to a worker, its decision, the commit, the message to a
sender, its commit, the call over HTTP.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.installation import installation

ROOT: Final = Path(__file__).resolve().parents[1]
BARS: Final = 2_000
MINUTE_NS: Final = 60 * 10**9
WORKERS: Final = {"orders": 3, "live,alerts": 3}
SETTLE_S: Final = 20
# Bars of a hundred symbols come within twenty seconds then.
APART_S: Final = 0.2
GOAL_MS: Final = 150.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    broker = subprocess.Popen(
        [sys.executable, ROOT / "tests/faults/venue_process.py"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    workers: list[subprocess.Popen[bytes]] = []
    try:
        assert broker.stdout is not None
        with installation(
            "orders",
            BROKER_URLS=f"alpaca={broker.stdout.readline().strip()}",
            BROKER_RATES="alpaca=1000",
            LOG_LEVEL="WARNING",
        ) as folder:
            try:
                workers += [_worker(queues, count, folder) for queues, count in WORKERS.items()]
                workers.append(_celery(folder, "beat", "--pidfile", "", "--loglevel", "WARNING"))
                return measure(_Market(broker), options.deployments, options.rounds)
            finally:
                for worker in workers:
                    worker.terminate()
                for worker in workers:
                    worker.wait()
    finally:
        broker.kill()
        broker.wait()


def _worker(queues: str, count: int, folder: Path) -> subprocess.Popen[bytes]:
    return _celery(
        folder,
        *("worker", "-Q", queues, "-n", f"{queues}@%h", "-c", str(count)),
        *("--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
    )


def _celery(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    with (folder / "celery.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "backtester", *words],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def measure(market: _Market, count: int, rounds: int) -> int:
    passed = True
    for symbols, cases in (
        (1, {"on one bar": 0.0}),
        (count, {"on bars of their own": APART_S, "on as many symbols": 0.0}),
    ):
        names = [f"S{number}" for number in range(symbols)]
        market.begin(names)
        for number in range(count):
            market.deploy(names[number % symbols])
        market.bar(names, count)  # what is made ready once
        for title, apart_s in cases.items():
            times = [each for _ in range(rounds) for each in market.bar(names, count, apart_s)]
            lost = rounds * count - len(times)
            p50, p90, p99 = np.percentile(times, [50, 90, 99])
            print(
                f"{count} deployments {title:<20} p50 {p50:6.0f} ms  p90 {p90:6.0f} ms  "
                f"p99 {p99:6.0f} ms  not there {lost}  load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            passed &= p99 < GOAL_MS and not lost
        market.end()
    print(f"goal p99 < {GOAL_MS:.0f} ms: {'met' if passed else 'missed'}")
    return 0 if passed else 1


class _Market:
    """Instruments whose bars come by the clock, and the broker where orders arrive."""

    def __init__(self, broker: subprocess.Popen[str]) -> None:
        self.broker = broker
        self.told: dict[str, float] = {}
        self.deployed = 0
        from celery.signals import before_task_publish  # noqa: PLC0415 - after django.setup

        before_task_publish.connect(self._note, weak=False)

    def _note(self, sender: str = "", body: Any = None, **_: Any) -> None:
        """Note when the message that bars were stored is about to be sent."""
        if sender == "brokers.bars_stored":
            self.told[body[0][0]] = time.monotonic()

    def begin(self, symbols: list[str]) -> None:
        from market.models import Instrument  # noqa: PLC0415 - after django.setup

        now = time.time_ns() // MINUTE_NS * MINUTE_NS
        for symbol in symbols:
            Instrument.objects.get_or_create(
                symbol=symbol, asset_class="crypto", calendar="24/7", timezone="UTC"
            )
            self.store(symbol, now - BARS * MINUTE_NS, now)

    def store(self, symbol: str, first: int, stop: int) -> None:
        from core.engine.bars import Bars  # noqa: PLC0415 - after django.setup
        from market.archive import history_store  # noqa: PLC0415 - likewise
        from market.history import History  # noqa: PLC0415 - likewise
        from market.intervals import interval_get  # noqa: PLC0415 - likewise
        from market.models import Instrument  # noqa: PLC0415 - likewise

        ts = np.arange(first, stop, MINUTE_NS, dtype=np.int64)
        close = np.full(ts.size, 100.0)
        bars = Bars.from_arrays(
            ts=ts, open=close, high=close + 1, low=close - 1, close=close, volume=close
        )
        history_store(
            instrument=Instrument.objects.get(symbol=symbol),
            interval=interval_get("1m"),
            provider="csv",
            history=History.from_bars(bars),
        )

    def deploy(self, symbol: str) -> None:
        from decimal import Decimal  # noqa: PLC0415 - with the others

        from django.utils import timezone  # noqa: PLC0415 - after django.setup

        from brokers.access import credentials_seal  # noqa: PLC0415 - likewise
        from brokers.deployments.services import (  # noqa: PLC0415 - likewise
            deployment_begin,
            deployment_create,
            deployment_start,
        )
        from brokers.models import BrokerAccount  # noqa: PLC0415 - likewise
        from brokers.reconciling import account_reconcile  # noqa: PLC0415 - likewise
        from core.accounts.models import User  # noqa: PLC0415 - likewise
        from strategies.selectors import template_graph  # noqa: PLC0415 - likewise
        from strategies.services import strategy_create  # noqa: PLC0415 - likewise

        self.deployed += 1
        user = User.objects.create(email=f"trader{self.deployed}@example.com")
        account = BrokerAccount(owner=user, kind="alpaca", name="Alpaca")
        account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
        account.save()
        account_reconcile(account_id=account.id)
        strategy = strategy_create(owner_id=user.id, graph=template_graph("dca")[0], name="DCA")
        deployment = deployment_create(
            strategy=strategy,
            account=account,
            symbol=symbol,
            interval="1m",
            capital=Decimal(50_000),
            parameters={"every": 1, "purchases": 100},
        )
        deployment_start(deployment=deployment)
        deployment.refresh_from_db()
        if deployment.state == "starting":
            deployment_begin(deployment=deployment, now=timezone.now())

    def bar(self, symbols: list[str], count: int, apart_s: float = 0.0) -> list[float]:
        """Store the bar that closes next, and return how long each order took to arrive.

        Symbols are stored one after the other, `apart_s` from the beginning of one to the next.
        """
        from brokers.models import BrokerAccount, Order  # noqa: PLC0415 - after django.setup

        opened = time.time_ns() // MINUTE_NS * MINUTE_NS
        time.sleep((opened + MINUTE_NS - time.time_ns()) / 10**9 + 0.3)
        # Accounts are compared with their broker once a minute; here nobody's clock does that.
        from django.utils import timezone  # noqa: PLC0415 - after django.setup

        BrokerAccount.objects.update(reconciled_at=timezone.now())
        self.report()
        began = time.monotonic()
        for number, symbol in enumerate(symbols):
            time.sleep(max(0.0, began + number * apart_s - time.monotonic()))
            self.store(symbol, opened, opened + MINUTE_NS)
        arrived: dict[str, float] = {}
        deadline = time.monotonic() + SETTLE_S
        while len(arrived) < count and time.monotonic() < deadline:
            time.sleep(0.25)
            arrived |= dict(self.report())
        placed = dict(
            Order.objects.filter(client_order_id__in=arrived).values_list(
                "client_order_id", "symbol"
            )
        )
        return [(at - self.told[placed[each]]) * 1000 for each, at in arrived.items()]

    def report(self) -> list[tuple[str, float]]:
        assert self.broker.stdin is not None
        assert self.broker.stdout is not None
        self.broker.stdin.write("report\n")
        self.broker.stdin.flush()
        found: list[tuple[str, float]] = json.loads(self.broker.stdout.readline())["arrived"]
        return found

    def end(self) -> None:
        """Have nobody trade any more."""
        from brokers.models import Deployment  # noqa: PLC0415 - after django.setup

        Deployment.objects.update(state="stopped")


if __name__ == "__main__":
    sys.exit(main())
