"""Time from a closed bar to the order at the paper venue, with many running deployments.

Run it as ``python -m benchmarks.live_latency [--deployments 100]``; it takes about a minute. It
starts a PostgreSQL and a Valkey of its own in a temporary folder. Each deployment has an account
of its own and a strategy that buys at every bar, so that every tick ends in an order. Two things
are timed: deployments that decide one after the other, and the worst case, one bar that closes for
all of them at once, in one process and in two.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np

from benchmarks.installation import installation

BARS: Final = 2_000
WARM: Final = 3
ROUNDS: Final = 10
MINUTE_NS: Final = 60 * 10**9
GOAL_MS: Final = 150.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=100)
    options = parser.parse_args()
    with installation("live-latency"):
        return measure(options.deployments)


def measure(count: int) -> int:
    market = _Market()
    market.store(0, BARS)
    deployments = [market.deploy(number) for number in range(count)]
    for number in range(WARM):  # compiled plans, loaded kernels, prepared statements
        market.store(BARS + number, BARS + number + 1)
        market.tick(BARS + number)
    number = BARS + WARM
    market.store(number, number + 1)
    found = {"one after the other": [market.order(one, number) for one in deployments]}
    found["all on one bar"] = market.rounds(number + 1)
    with market.helped():
        market.rounds(number + 1 + ROUNDS)
        found["all on one bar, two processes"] = market.rounds(number + 1 + 2 * ROUNDS)
    print(f"{count} running deployments, {BARS:,} bars of history, PostgreSQL durable\n")
    p99s = []
    for title, times in found.items():
        p50, p99 = np.percentile(times, [50, 99])
        p99s.append(float(p99))
        print(f"{title:<30} p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   worst {max(times):7.1f} ms")
    passed = p99s[0] < GOAL_MS and min(p99s[1:]) < GOAL_MS
    print(f"\ngoal p99 < {GOAL_MS:.0f} ms: {'met' if passed else 'missed'}")
    return 0 if passed else 1


class _Market:
    """One instrument, and users who trade it."""

    def __init__(self) -> None:
        from market.models import Instrument  # noqa: PLC0415 - after django.setup

        self.instrument = Instrument.objects.create(
            symbol="WALK", asset_class="crypto", calendar="24/7", timezone="UTC"
        )
        random = np.random.default_rng(1)
        close = np.round(
            100 * np.exp(np.cumsum(random.normal(0, 5e-4, BARS + WARM + 3 * ROUNDS + 2))), 2
        )
        self.ts = (
            np.arange(BARS + WARM + 3 * ROUNDS + 2, dtype=np.int64) * MINUTE_NS
            + 1_704_067_200 * 10**9
        )
        self.close = close
        self.deployed = 0
        self.helper: Connection | None = None

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
        from market.bar_times import moment_of  # noqa: PLC0415 - after django.setup

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
        self.deployed += 1
        deployment_start(deployment=deployment)
        deployment_begin(deployment=deployment, now=self.over(BARS - 1))
        return deployment

    def order(self, deployment: Any, number: int) -> float:
        """Decide on a bar for one deployment as the task does; return when its order is there."""
        from brokers.deployments.schedule import collection_later  # noqa: PLC0415 - after django.setup
        from brokers.deployments.ticking import deployments_decide  # noqa: PLC0415 - as above

        with self.arrivals() as arrived, collection_later():
            began = time.perf_counter()
            ids, now = [deployment.id], self.over(number)
            (ticks,) = deployments_decide(deployment_ids=ids, now=now, send=True)
            assert len(ticks) == 1
        (at,) = arrived
        return (at - began) * 1000

    def rounds(self, number: int) -> list[float]:
        """Go through some bars, and return when the orders of all of them were there."""
        times = []
        for one in range(number, number + ROUNDS):
            self.store(one, one + 1)
            found = self.tick(one)
            assert len(found) == self.deployed
            times += found
        return times

    def tick(self, number: int) -> list[float]:
        """Decide on a bar for all, as the task does, and return when each order is there."""
        from brokers.deployments.schedule import deployments_tick  # noqa: PLC0415 - as above

        with self.arrivals() as arrived:
            began = time.perf_counter()
            called: list[int] = []
            help_call = None if self.helper is None else partial(self._help_call, called, number)
            deployments_tick(now=self.over(number), symbols=["WALK"], help_call=help_call)
            # Few deployments are not worth a second process: nobody is called then.
            theirs = self.helper.recv() if self.helper is not None and called else []
        return [(at - began) * 1000 for at in (*arrived, *theirs)]

    def _help_call(self, called: list[int], number: int) -> None:
        assert self.helper is not None
        called.append(number)
        self.helper.send(number)

    @contextmanager
    def helped(self) -> Iterator[None]:
        """Have a second process take a part of each bar, as other workers do."""
        from django.db import connections  # noqa: PLC0415 - after django.setup

        connections.close_all()
        self.helper, end = Pipe()
        process = get_context("fork").Process(target=self._help, args=(end,), daemon=True)
        process.start()
        try:
            yield
        finally:
            self.helper.send(None)
            process.join()
            self.helper = None

    def _help(self, end: Connection) -> None:
        from brokers.deployments.schedule import deployments_tick  # noqa: PLC0415 - as above

        while (number := end.recv()) is not None:
            with self.arrivals() as arrived:
                deployments_tick(now=self.over(number), symbols=["WALK"], helping=True)
            end.send(arrived)

    @contextmanager
    def arrivals(self) -> Iterator[list[float]]:
        """Note when orders lie in the paper venue's book, committed."""
        from brokers.adapters.paper import PaperBroker  # noqa: PLC0415 - as above

        arrived: list[float] = []
        submit_all = PaperBroker.submit_all

        def noted(venue: Any, requests: Any) -> Any:
            told = submit_all(venue, requests)
            arrived.extend([time.perf_counter()] * len(requests))
            return told

        PaperBroker.submit_all = noted  # type: ignore[method-assign,assignment]  # for the measurement only
        try:
            yield arrived
        finally:
            PaperBroker.submit_all = submit_all  # type: ignore[method-assign]  # as it was


if __name__ == "__main__":
    sys.exit(main())
