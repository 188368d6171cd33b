"""Strategies with options, bar by bar through ticks, order path and paper venue, as backtested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brokers.deployments.books import books_forget
from brokers.deployments.drifting import drift_compare
from brokers.deployments.option_drift import options_replay
from brokers.deployments.option_sides import Sides
from brokers.deployments.reading import stored_of, view_of
from brokers.deployments.schedule import deployments_follow
from brokers.deployments.ticking import deployments_decide
from brokers.deployments.wanted import LegWanted, Role
from brokers.dispatch import accounts_send
from brokers.models import BookEntry, BrokerAccount, Order, Position
from core.options.contract import contract_parse
from core.options.result import OptionExitReason
from market.archive import history_store
from market.calendars import bar_closes_at, sessions_for
from market.history import History
from market.intervals import interval_get
from market.models import Instrument
from tests.brokers.deployments.option_graphs import GRAPHS, PARAMETERS
from tests.brokers.deployments.replaying import DAY_NS, START, Venue, bars_random, moment


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


# The others take the same ways; their decisions are compared elsewhere.
REPLAYED = [name for name in GRAPHS if not name.startswith("verticals")]


class Replay:
    """Several strategies at once on the same bars, each on an account of its own."""

    def __init__(self, user, *, start, stop, seed=3, volatility=0.02):
        self.venue = Venue(user, bars_random(stop, seed=seed, volatility=volatility))
        self.venue.past(start)
        first = self.venue.account
        self.accounts, self.deployments = {}, {}
        for name in REPLAYED:
            self.venue.account = self.accounts[name] = BrokerAccount.objects.create(
                owner=user,
                kind="paper",
                name=name,
                initial_cash=first.initial_cash,
                paper_terms=first.paper_terms,
            )
            self.deployments[name] = self.venue.deploy(
                GRAPHS[name], PARAMETERS.get(name, {}), at=start
            )
        self.ticks = {name: [] for name in REPLAYED}
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
    start, stop = 30, 52
    replay = Replay(user, start=start, stop=stop)
    for name, deployment in replay.deployments.items():
        result, ticks = backtest_of(deployment, start), replay.ticks[name]
        assert [tick.status for tick in ticks] == ["decided"] * (stop - start), name
        assert len(result.option_fills) >= 3, name
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
    assert BookEntry.objects.filter(kind="delivery").exists()


class Exchange(Venue):
    """Daily bars of New York's sessions, each stored when it is over."""

    def __init__(self, user, bars):
        super().__init__(user, bars)
        terms = {"calendar": "XNYS", "timezone": "America/New_York", "periods_per_year": 252}
        Instrument.objects.filter(id=self.instrument.id).update(asset_class="equity", **terms)
        self.instrument.refresh_from_db()
        self.account.paper_terms = {"fill": "next_open", "interval": "1d"}
        self.account.save()

    def store_daily(self, first, stop):
        history_store(
            instrument=self.instrument,
            interval=interval_get("1d"),
            provider="csv",
            history=History.from_bars(self.bars.slice(first, stop)),
        )

    def past(self, count):
        self.store_daily(0, count)

    def over(self, at):
        return bar_closes_at(
            int(self.bars.ts[at]), instrument=self.instrument, interval=interval_get("1d")
        )

    def bar(self, deployment, at):
        self.store_daily(at, at + 1)
        deployments_follow(now=self.over(at))
        accounts_send(account_ids={self.account.id})
        (ticks,) = deployments_decide(deployment_ids=[deployment.id], now=self.over(at))
        accounts_send(account_ids={self.account.id})
        return ticks[0]


def test_positions_that_meet_in_one_contract_are_kept_apart(user):
    """What one condor has sold another has bought: the account has neither."""
    start, stop = 40, 60
    days = sessions_for("XNYS", first_ts=START, last_ts=START).dates
    first = int(np.searchsorted(days, START // DAY_NS))
    bars = replace(bars_random(stop), ts=days[first : first + stop] * DAY_NS)
    venue = Exchange(user, bars)
    venue.past(start)
    deployment = venue.deploy(GRAPHS["condors, given up by profit, loss or days"], at=start)
    ticks = [venue.bar(deployment, at) for at in range(start, stop)]
    sides = {}
    for tick in ticks:
        for leg in tick.decision["options"]["held"]:
            sides.setdefault((tick.bar_ts, leg["symbol"]), set()).add(leg["quantity"] > 0)
    assert {True, False} in sides.values()
    result = backtest_of(deployment, start)
    ours, theirs = live_fills(deployment), engine_fills(result)
    assert len(ours) >= 16
    assert sorted(ours, key=str) == sorted(theirs, key=str)
    equity = list(result.equity[start:])
    assert [tick.equity for tick in ticks] == pytest.approx(equity, abs=1e-3)
    assert not Order.objects.exclude(status__in=["filled", "accepted"]).exists()


def test_a_trade_is_called_by_what_the_account_has(user):
    account = BrokerAccount.objects.create(owner=user, kind="paper", name="Sides")
    contract = contract_parse("ACME270115P00100000").contract

    def parts(side, quantity, *, held, remote, times=1):
        Position.objects.filter(account=account).delete()
        Position.objects.create(account=account, symbol="ACME270115P00100000", quantity=held)
        sides = Sides(account, ["ACME270115P00100000"], remote=remote)
        wanted = LegWanted(
            Role.CLOSE, 0, 0, 0, "ACME270115P00100000", contract, side, float(quantity)
        )
        return [
            [(str(name), int(part)) for name, part in sides.parts(wanted)] for _ in range(times)
        ]

    for remote in (False, True):
        assert parts(1, 2, held=0, remote=remote) == [[("buy", 2)]]
        assert parts(1, 2, held=-2, remote=remote) == [[("cover", 2)]]
        assert parts(-1, 2, held=5, remote=remote) == [[("sell", 2)]]
        assert parts(-1, 2, held=-5, remote=remote) == [[("short", 2)]]
    # More than there is: our own venue takes it as one that opens, a broker as two.
    assert parts(-1, 3, held=1, remote=False) == [[("short", 3)]]
    assert parts(-1, 3, held=1, remote=True) == [[("sell", 1), ("short", 2)]]
    # What waits has filled before.
    assert parts(1, 2, held=-3, remote=True, times=2) == [
        [("cover", 2)],
        [("cover", 1), ("buy", 1)],
    ]
