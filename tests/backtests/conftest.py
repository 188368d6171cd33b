from __future__ import annotations

from datetime import date
from uuid import UUID

import numpy as np
import pytest
from rest_framework.test import APIClient

from core.accounts.models import User
from core.backtests.attempt import run_attempt
from core.backtests.models import BacktestRun
from core.backtests.services.creation import RunRequest, run_create
from core.backtests.warm import columns_warm, simulation_warm
from core.engine.bars import Bars
from core.engine.compiled import portfolio_load
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from market.models import Instrument

DAY_NS = 86_400_000_000_000
FIRST_DAY = int(np.datetime64("2020-01-06", "ns").astype(np.int64))  # a Monday


def daily_bars(closes, *, opens=None):
    """Bars of successive days; each opens at the close before it."""
    close = np.array(closes, dtype=float)
    open_ = np.concatenate([close[:1], close[:-1]]) if opens is None else np.array(opens, float)
    return Bars.from_arrays(
        ts=FIRST_DAY + np.arange(len(close)) * DAY_NS,
        open=open_,
        high=np.maximum(open_, close),
        low=np.minimum(open_, close),
        close=close,
        volume=np.full(len(close), 1000.0),
    )


def store(symbol, bars, **instrument):
    row = Instrument.objects.create(symbol=symbol, **instrument)
    history_store(
        instrument=row,
        interval=interval_get("1d"),
        provider="csv",
        history=History.from_bars(bars),
    )
    return row


@pytest.fixture(autouse=True, scope="session")
def _warm():
    """Compile before the first test: a lease cannot be renewed inside a test's transaction."""
    simulation_warm()
    portfolio_load()
    columns_warm()


@pytest.fixture(autouse=True)
def _bars_of_its_own(settings, tmp_path):
    settings.BARS_URL = str(tmp_path / "bars")


@pytest.fixture
def tiny(db):
    """Five days: 100, 110, 121, 99, 108.9."""
    return store("TINY", daily_bars([100, 110, 121, 99, 108.9]))


@pytest.fixture
def waves(db):
    """Two years of days going up and down, on which moving averages cross."""
    days = np.arange(500)
    return store("WAVE", daily_bars(np.round(100 + 20 * np.sin(days / 15) + days / 20, 2)))


@pytest.fixture
def user(db):
    return User.objects.create_user(email="trader@example.com")


@pytest.fixture
def stranger(db):
    return User.objects.create_user(email="stranger@example.com")


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def api(user):
    return client_of(user)


@pytest.fixture
def new_run(user):
    """Return a function that makes a queued run."""

    def make(symbol="TINY", strategy="buy_and_hold", **fields) -> BacktestRun:
        request = RunRequest(
            strategy=strategy,
            symbols=(symbol,) if isinstance(symbol, str) else tuple(symbol),
            start=fields.pop("start", date(2020, 1, 1)),
            end=fields.pop("end", date(2030, 1, 1)),
            capital=fields.pop("capital", 1000.0),
            **fields,
        )
        return run_create(owner_id=user.id, request=request)

    return make


@pytest.fixture
def work():
    """Return a function that does a run as a worker would, and reads it again."""

    def do(run) -> BacktestRun:
        run_id = UUID(run["id"]) if isinstance(run, dict) else run.id
        run_attempt(run_id=run_id, time_limit_s=300)
        return BacktestRun.objects.get(id=run_id)

    return do


@pytest.fixture
def done(waves, new_run, work):
    return work(new_run("WAVE", "sma_cross", capital=10000.0))
