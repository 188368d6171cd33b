"""Strategies with options, bar by bar through ticks, order path and paper venue, as backtested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brokers.deployments.option_drift import options_replay
from brokers.deployments.reading import stored_of, view_of
from brokers.models import BookEntry, Order
from core.options.result import OptionExitReason
from tests.brokers.deployments.option_graphs import GRAPHS, PARAMETERS
from tests.brokers.deployments.replaying import Venue, bars_random


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


def replayed(user, name, *, start=30, stop=75, seed=3, volatility=0.02):
    venue = Venue(user, bars_random(stop, seed=seed, volatility=volatility))
    venue.past(start)
    deployment = venue.deploy(GRAPHS[name], PARAMETERS.get(name, {}), at=start)
    ticks = [venue.bar(deployment, at) for at in range(start, stop)]
    assert all(tick is not None and tick.status == "decided" for tick in ticks)
    return deployment, ticks, backtest_of(deployment, start)


@pytest.mark.parametrize("name", list(GRAPHS))
def test_a_replay_trades_the_contracts_of_the_backtest(name, user):
    deployment, ticks, result = replayed(user, name)
    assert len(result.option_fills) >= 6
    assert sorted(live_fills(deployment), key=str) == sorted(engine_fills(result), key=str)
    assert [tick.position for tick in ticks] == pytest.approx(list(result.position[30:]))
    assert [tick.equity for tick in ticks] == pytest.approx(list(result.equity[30:]), abs=1e-3)
    assert not Order.objects.filter(status__in=["denied", "rejected", "unknown"]).exists()
