from __future__ import annotations

import numpy as np
import pytest


def _clock(count: int) -> dict[str, np.ndarray]:
    """Sessions of 30 bars of 13 minutes on the weekdays from Monday 2024-01-29 on."""
    day, bar = np.divmod(np.arange(count), 30)
    session = 19_751 + day + 2 * (day // 5)
    return {"session": session.astype(np.float64), "minute": 13.0 * bar}


def _bars_random(seed: int, count: int) -> dict[str, np.ndarray]:
    """Prices that move, gap and sometimes stand still; read-only, as the engine's bars are."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0, 0.012, count) * rng.choice([0.0, 1.0], count, p=[0.08, 0.92])
    close = np.round(100.0 * np.exp(np.cumsum(steps)), 2)
    open_ = np.round(close * np.exp(rng.normal(0.0, 0.006, count)), 2)
    made = {
        "open": open_,
        "high": np.maximum(open_, close) + np.round(np.abs(rng.normal(0.0, 0.4, count)), 2),
        "low": np.minimum(open_, close) - np.round(np.abs(rng.normal(0.0, 0.4, count)), 2),
        "close": close,
        "volume": rng.integers(1, 9_000, count).astype(np.float64),
        "source": close,
        "left": close,
        "right": open_,
        "periods": rng.integers(2, 30, count).astype(np.float64),
    } | _clock(count)
    for column in made.values():
        column.flags.writeable = False
    return made


@pytest.fixture(scope="session")
def bars() -> dict[str, np.ndarray]:
    return _bars_random(11, 420)


@pytest.fixture(scope="session")
def angles(bars) -> dict[str, np.ndarray]:
    """The same bars with sources between -1 and 1, which the arc functions need."""
    return bars | {"source": np.sin(np.arange(420.0))}
