"""Strategies with options, bar by bar through ticks, order path and paper venue, as backtested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brokers.deployments.books import books_forget
from brokers.deployments.drifting import drift_compare
from brokers.deployments.option_drift import options_replay
from brokers.deployments.reading import stored_of, view_of
from brokers.deployments.schedule import deployments_follow
from brokers.deployments.ticking import deployments_decide
from brokers.dispatch import accounts_send
from brokers.models import BookEntry, BrokerAccount, Order
from core.options.result import OptionExitReason
from tests.brokers.deployments.option_graphs import GRAPHS, PARAMETERS
from tests.brokers.deployments.replaying import Venue, bars_random, moment


def backtest_of(deployment, start):
    """The same version on the same bars under the same terms, deciding from the same bar on."""
    stored = stored_of(deployment)
    view = view_of(deployment, stored, count=len(stored.bars))
    program = replace(view.program, warmup=max(start, view.program.warmup))
    return options_replay(deployment, view, program)


def live_fills(deployment):
    rows = BookEntry.objects.filter(deployment=deployment, fill__isnull=False).exclude(symbol="")
    return [
        (
            int(np.datetime64(row.bar_ts.replace(tzinfo=None), "ns").astype(np.int64)),
            row.symbol,
            row.side,
            float(row.quantity),
            pytest.approx(float(row.price), abs=1e-6),
            pytest.approx(float(row.commission), abs=1e-6),
            OptionExitReason(row.reason) if row.kind != "leg_open" else OptionExitReason.SIGNAL,
        )
        for row in rows.order_by("bar_ts", "number")
    ]


def engine_fills(result):
    return [
        (
            int(fill["ts"]),
            str(fill["symbol"]),
            int(fill["side"]),
            float(fill["quantity"]),
            float(fill["price"]),
            float(fill["commission"]),
            OptionExitReason(int(fill["reason"])),
        )
        for fill in result.option_fills
    ]


class Replay:
    """All strategies at once on the same bars, each on an account of its own."""

    def __init__(self, user, *, start, stop, seed=3, volatility=0.02):
        self.venue = Venue(user, bars_random(stop, seed=seed, volatility=volatility))
        self.venue.past(start)
        first = self.venue.account
        self.accounts, self.deployments = {}, {}
        for name, graph in GRAPHS.items():
            self.venue.account = self.accounts[name] = BrokerAccount.objects.create(
                owner=user,
                kind="paper",
                name=name,
                initial_cash=first.initial_cash,
                paper_terms=first.paper_terms,
            )
            self.deployments[name] = self.venue.deploy(graph, PARAMETERS.get(name, {}), at=start)
        self.ticks = {name: [] for name in GRAPHS}
        for at in range(start, stop):
            self.bar(at)

    def bar(self, at):
        books_forget()  # every bar as if the worker had been started again
        self.venue.opens(at)
        self.settle(at)
        self.venue.trades(at)
        self.settle(at)
        ids = {deployment.id: name for name, deployment in self.deployments.items()}
        for ticks in deployments_decide(deployment_ids=ids, now=self.venue.over(at)):
            for tick in ticks:
                self.ticks[ids[tick.deployment_id]].append(tick)
        self.send()

    def settle(self, at):
        deployments_follow(now=moment(int(self.venue.bars.ts[at]) + 3_600 * 10**9))
        self.send()

    def send(self):
        accounts_send(account_ids={account.id for account in self.accounts.values()})


def test_a_replay_trades_the_contracts_of_the_backtest(user):
    start, stop = 30, 58
    replay = Replay(user, start=start, stop=stop)
    for name, deployment in replay.deployments.items():
        result, ticks = backtest_of(deployment, start), replay.ticks[name]
        assert [tick.status for tick in ticks] == ["decided"] * (stop - start), name
        assert len(result.option_fills) >= 4, name
        ours, theirs = live_fills(deployment), engine_fills(result)
        assert sorted(ours, key=str) == sorted(theirs, key=str), name
        assert [tick.position for tick in ticks] == pytest.approx(list(result.position[start:]))
        assert [tick.equity for tick in ticks] == pytest.approx(
            list(result.equity[start:]), abs=1e-3
        ), name
        reports = drift_compare(deployment=deployment, now=replay.venue.over(stop - 1))
        assert len(reports) == stop - start, name
        assert max(abs(report.difference) for report in reports) < 1e-4, name
    assert not Order.objects.filter(status__in=["denied", "rejected", "unknown"]).exists()
    ends = set(BookEntry.objects.filter(kind="settled").values_list("reason", flat=True))
    assert ends >= {OptionExitReason.EXPIRED, OptionExitReason.ASSIGNED}
    assert BookEntry.objects.filter(kind="delivery").count() >= 2
