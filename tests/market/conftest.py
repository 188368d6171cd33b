"""A bar store of its own for every test, and short ways to make bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import yfinance

from core.accounts.models import User
from core.engine.bars import Bars
from market import store
from market.history import History
from market.models import Instrument

DAY = 86_400 * 10**9
MONDAY = 1_704_067_200 * 10**9  # 2024-01-01


@pytest.fixture(autouse=True)
def bars_dir(tmp_path, settings) -> Iterator[Any]:
    folder = tmp_path / "bars"
    settings.BARS_URL = str(folder)
    store._cache.clear()
    return folder


@pytest.fixture(autouse=True, scope="session")
def _yfinance_cache(tmp_path_factory) -> None:
    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("yfinance")))


def days(count: int, *, first: int = MONDAY, step: int = DAY, price: float = 100.0) -> Bars:
    """Bars whose close counts up by one from `price`."""
    close = price + np.arange(count, dtype=float)
    return Bars.from_arrays(
        ts=first + step * np.arange(count, dtype=np.int64),
        open=close - 0.5,
        high=close + 1.0,
        low=close - 1.0,
        close=close,
        volume=np.full(count, 1000.0),
    )


@pytest.fixture
def make_history() -> Callable[..., History]:
    def make(count: int = 5, *, factor: Any = None, split: Any = None, **kwargs: Any) -> History:
        return History.from_bars(days(count, **kwargs), factor=factor, split=split)

    return make


@pytest.fixture
def goog(db) -> Instrument:
    return Instrument.objects.create(
        symbol="GOOG", name="Google", calendar="XNYS", timezone="America/New_York"
    )


@pytest.fixture
def user(db) -> User:
    return User.objects.create_user("ann@example.com", "a long password")


@pytest.fixture
def other_user(db) -> User:
    return User.objects.create_user("bob@example.com", "a long password")
