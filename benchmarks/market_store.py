"""Time the bar store beside plain pyarrow and beside rows in PostgreSQL.

Run it as ``python -m benchmarks.market_store [--bars 1000000]``; it takes about half a minute. It
starts a PostgreSQL and a Valkey of its own in a temporary folder. The store is measured through its
public functions: writing is merging, hashing, the Parquet file (flushed, read back, compared), the
catalogue row and the message to who trades on the bars; reading is the query and the file (cold) or
the process's memory (warm).
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.installation import installation

ROUNDS: Final = 5
NAMES: Final = ("open", "high", "low", "close", "volume")
TABLE: Final = """
    CREATE UNLOGGED TABLE plain_bars (
        ts bigint PRIMARY KEY, open float8, high float8, low float8, close float8, volume float8
    )
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=1_000_000)
    options = parser.parse_args()
    with installation("market-store") as folder:
        measure(options.bars, folder)
    return 0


def measure(count: int, folder: Path) -> None:
    from django.db import connection  # noqa: PLC0415 - after django.setup

    columns = minutes(count)
    print(f"{count:,} bars of a minute, best and median of {ROUNDS}\n")
    store(columns)
    arrow(columns, folder / "plain.parquet")
    with connection.cursor() as cursor:
        rows(columns, cursor)


def minutes(count: int) -> dict[str, Any]:
    """Return bars of a random walk, in cents."""
    random = np.random.default_rng(1)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.0005, count))), 2)
    opened = np.round(close * (1 + random.normal(0, 0.0002, count)), 2)
    return {
        "ts": np.arange(count, dtype=np.int64) * 60 * 10**9 + 1_577_836_800 * 10**9,
        "open": opened,
        "high": np.maximum(opened, close) + 0.01,
        "low": np.minimum(opened, close) - 0.01,
        "close": close,
        "volume": random.integers(0, 10_000, count).astype(np.float64),
    }


def store(columns: dict[str, Any]) -> None:
    from core.engine.bars import Bars  # noqa: PLC0415 - after django.setup
    from market import archive  # noqa: PLC0415 - likewise
    from market import store as reading  # noqa: PLC0415 - likewise
    from market.archive import history_store  # noqa: PLC0415 - likewise
    from market.history import History  # noqa: PLC0415 - likewise
    from market.intervals import interval_get  # noqa: PLC0415 - likewise
    from market.models import Instrument  # noqa: PLC0415 - likewise

    instrument = Instrument.objects.create(symbol="WALK", calendar="24/7", timezone="UTC")
    factor = np.where(np.arange(len(columns["ts"])) < 1000, 0.5, 1.0)
    history = History.from_bars(Bars.from_arrays(**columns), factor=factor)
    # Other bars each time: what is stored already is not written again.
    rounds = iter(range(10 * ROUNDS))
    more = iter(range(ROUNDS))

    def write() -> None:
        shifted = columns | {"volume": columns["volume"] + next(rounds)}
        changed = History.from_bars(Bars.from_arrays(**shifted), factor=history.factor)
        history_store(
            instrument=instrument,
            interval=interval_get("1m"),
            provider="sample",
            history=changed,
            replace=True,
        )

    def cold() -> None:
        forget()
        warm()

    def forget() -> None:
        """Be as a fresh process is."""
        reading._cache.clear()  # noqa: SLF001 - what it holds
        archive._held.clear()  # noqa: SLF001 - likewise

    def warm() -> None:
        assert len(reading.bars_read(symbol="WALK", interval="1m").bars) == len(history)

    def coarse() -> None:
        forget()
        reading.bars_read(symbol="WALK", interval="1h")

    def grow() -> None:
        """Store the next minute, as often as one comes, and read all of them."""
        begin = len(history) + next(more)
        row = {name: column[-1:] for name, column in columns.items()}
        row["ts"] = columns["ts"][:1] + begin * 60 * 10**9
        history_store(
            instrument=instrument,
            interval=interval_get("1m"),
            provider="sample",
            history=History.from_bars(Bars.from_arrays(**row)),
        )
        assert len(reading.bars_read(symbol="WALK", interval="1m").bars) == begin + 1

    told("store: write", write)
    told("store: read, cold, adjusted", cold)
    told("store: read, warm", warm)
    told("store: read as 1h, cold", coarse)
    told("store: a minute more, and read", grow)


def arrow(columns: dict[str, Any], path: Path) -> None:
    table = pa.table(columns)
    told("pyarrow: write_table", lambda: pq.write_table(table, path))
    told("pyarrow: read_table", lambda: pq.read_table(path))


def rows(columns: dict[str, Any], cursor: Any) -> None:
    cursor.execute(TABLE)
    text = io.StringIO()
    names = ("ts", *NAMES)
    for row in zip(*(columns[name].tolist() for name in names), strict=True):
        text.write("\t".join(map(repr, row)) + "\n")

    def write() -> None:
        cursor.execute("TRUNCATE plain_bars")
        with cursor.copy("COPY plain_bars FROM STDIN") as copy:
            copy.write(text.getvalue())

    def read() -> None:
        cursor.execute("SELECT * FROM plain_bars ORDER BY ts")
        np.array(cursor.fetchall())

    told("PostgreSQL: COPY", write, rounds=2)
    told("PostgreSQL: SELECT to numpy", read, rounds=2)


def told(name: str, work: Callable[[], Any], *, rounds: int = ROUNDS) -> None:
    """Print how long something takes."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    print(f"{name:32} {min(took):10.2f} ms {statistics.median(took):10.2f} ms")


if __name__ == "__main__":
    sys.exit(main())
