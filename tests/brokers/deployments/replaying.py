"""Bars that come one by one, for deployments on the paper venue."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from brokers.deployments.schedule import deployments_follow
from brokers.deployments.services import deployment_begin, deployment_create, deployment_start
from brokers.deployments.ticking import deployment_tick
from brokers.dispatch import account_send
from brokers.models import BrokerAccount
from core.engine.bars import Bars
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from market.models import Instrument
from strategies.selectors import template_graph
from strategies.services import strategy_create

DAY_NS = 86_400 * 10**9
REST_NS = 23 * 3_600 * 10**9
START = int(np.datetime64("2024-01-01", "ns").astype(np.int64))


def bars_random(length, *, seed=3, volatility=0.02):
    """Prices in cents, so that rounding to ticks changes nothing."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, volatility, length)))
    opened = np.roll(close, 1) * np.exp(rng.normal(0, 0.004, length))
    opened[0] = close[0]
    spread = np.abs(rng.normal(0, 0.01, (2, length))) + 0.001
    high = np.maximum(opened, close) * (1 + spread[0])
    low = np.minimum(opened, close) * (1 - spread[1])
    prices = [np.round(column, 2) for column in (opened, high, low, close)]
    return Bars.from_arrays(
        ts=START + np.arange(length) * DAY_NS,
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume=np.round(rng.lognormal(10, 0.8, length)),
    )


def moment(ts):
    return datetime.fromtimestamp(ts / 10**9, UTC)


class Venue:
    """A market that goes on bar by bar, around the clock, and the paper venue that follows it.

    A daily bar is traded as two hourly ones, of which the store makes it: its open, then all the
    rest of it, so that a guard that is placed once the entry has filled sees the same bar.
    """

    def __init__(self, user, bars, *, symbol="REPLAY", asset_class="crypto"):
        self.user, self.bars, self.symbol = user, bars, symbol
        self.instrument = Instrument.objects.create(
            symbol=symbol,
            name=symbol,
            asset_class=asset_class,
            calendar="24/7",
            timezone="UTC",
            periods_per_year=365,
        )
        self.account = BrokerAccount.objects.create(
            owner=user,
            kind="paper",
            name="Replay",
            initial_cash=Decimal(1_000_000),
            paper_terms={"fill": "next_open", "interval": "1h"},
        )

    def store(self, ts, rows):
        columns = np.array(rows, np.float64).T
        bars = Bars.from_arrays(
            ts=np.array(ts, np.int64),
            open=columns[0],
            high=columns[1],
            low=columns[2],
            close=columns[3],
            volume=columns[4],
        )
        history_store(
            instrument=self.instrument,
            interval=interval_get("1h"),
            provider="csv",
            history=History.from_bars(bars),
        )

    def row(self, at):
        bars = self.bars
        return [bars.open[at], bars.high[at], bars.low[at], bars.close[at], bars.volume[at]]

    def past(self, count):
        """Have the first bars be there already."""
        ts, rows = [], []
        for at in range(count):
            opened, *_ = self.row(at)
            ts += [int(self.bars.ts[at]), int(self.bars.ts[at]) + REST_NS]
            rows += [[opened, opened, opened, opened, 0.0], self.row(at)]
        self.store(ts, rows)

    def opens(self, at):
        opened, *_ = self.row(at)
        self.store([int(self.bars.ts[at])], [[opened, opened, opened, opened, 0.0]])

    def trades(self, at):
        self.store([int(self.bars.ts[at]) + REST_NS], [self.row(at)])

    def over(self, at):
        """When a bar is over."""
        return moment(int(self.bars.ts[at]) + DAY_NS)

    def deploy(self, graph, parameters=None, *, capital=100_000, at, **options):
        """Return a deployment that decides from the bar `at` on."""
        strategy = strategy_create(owner_id=self.user.id, name="Replay", graph=graph)
        deployment = deployment_create(
            strategy=strategy,
            account=self.account,
            symbol=self.symbol,
            interval="1d",
            capital=Decimal(capital),
            parameters=parameters or {},
            **options,
        )
        deployment_start(deployment=deployment)
        deployment_begin(deployment=deployment, now=self.over(at - 1))
        deployment.refresh_from_db()
        return deployment

    def buys(self, at):
        """Return a deployment that buys on each bar, from the bar `at` on."""
        graph, _ = template_graph("dca")
        return self.deploy(graph, at=at, parameters={"every": 1, "purchases": 100})

    def passes(self, at):
        """Have a bar come and be over, and nobody look at it."""
        self.opens(at)
        self.trades(at)

    def bar(self, deployment, at):
        """Go through one bar as the workers would, and return its tick."""
        self.opens(at)
        self.settle(at)
        self.trades(at)
        self.settle(at)
        tick = deployment_tick(deployment_id=deployment.id, now=self.over(at))
        account_send(account_id=self.account.id)
        return tick

    def settle(self, at):
        for _ in range(2):
            deployments_follow(now=moment(int(self.bars.ts[at]) + 3_600 * 10**9))
            account_send(account_id=self.account.id)
