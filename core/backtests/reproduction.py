"""A stored run done again from what it pinned: the same bits, or what is different.

A run pins its strategy version, parameters, configuration and the snapshot of its bars. The engine
is the one installed now; its version is told where results differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
import orjson
from numpy.typing import NDArray

from core.backtests.columns import columns_unpack
from core.backtests.models import BacktestRun, EquityCurve
from core.backtests.outcome import Outcome
from core.backtests.prefix import values_differ
from core.backtests.runner import run_compute
from core.backtests.selectors import trade_list
from core.backtests.store import fill_columns
from core.backtests.times import iso_times
from core.backtests.trade_rows import COLUMNS, OPTION_COLUMNS, columns_of, trade_rows
from core.engine.state import Counters
from core.errors import Conflict, NotFound

# Both are told in any case: another version is a reason, not a difference of the result.
VERSIONS: Final = ("engine_version", "metrics_version")
OUTCOME_FACTS: Final = ("snapshot", "other_snapshots", "graph_hash")
FACTS: Final = (*OUTCOME_FACTS, "bar_count")
DOCUMENTS: Final = ("metrics", "metric_reasons", "counters", "warnings")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that came out differently.

    Attributes
    ----------
    what : str
        ``"metrics.sharpe"``, ``"equity[17]"``, ``"trades[3].pnl"``.
    stored, now : Any
        The two values.
    """

    what: str
    stored: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A run done again.

    Attributes
    ----------
    run_id : UUID
    versions : Mapping
        Name of each version to what it was and what it is now.
    mismatches : tuple of Mismatch
        The first one of each table, each metric and each fact; empty where the bits are equal.
    """

    run_id: UUID
    versions: Mapping[str, tuple[str, str]]
    mismatches: tuple[Mismatch, ...]

    @property
    def identical(self) -> bool:
        """Whether the run gave the same bits."""
        return not self.mismatches


def run_find(run_id: UUID) -> BacktestRun:
    """Return a run with its result and its pinned version, whoever owns it: for operators.

    Raises
    ------
    NotFound
        If there is none.
    Conflict
        If it has no result to compare with.
    """
    run = BacktestRun.objects.filter(id=run_id).select_related("strategy_version", "curve").first()
    if run is None:
        raise NotFound(f"There is no backtest {run_id}.")
    if not EquityCurve.objects.filter(run=run).exists():
        raise Conflict(f"The run is {run.status}: it has no result to reproduce.", code="no_result")
    return run


def run_reproduce(*, run: BacktestRun) -> Reproduction:
    """Do a run from `run_find` again, in memory, and compare everything that it stored.

    Raises
    ------
    ApplicationError
        If it cannot be done any more: its bars are lost, or its strategy no longer runs.
    """
    outcome = run_compute(run=run, stage=lambda _name, _progress: None)
    now: dict[str, Any] = {
        name: getattr(outcome, name) for name in (*VERSIONS, *OUTCOME_FACTS, *DOCUMENTS)
    } | {"bar_count": len(outcome.series["ts"])}
    mismatches = [
        Mismatch(name, getattr(run, name), now[name])
        for name in FACTS
        if getattr(run, name) != now[name]
    ]
    for name in DOCUMENTS:
        mismatches.extend(_document_mismatches(name, _stored_document(run, name), now[name]))
    mismatches.extend(_document_mismatches("alerts", run.curve.alerts, outcome.alerts))
    mismatches.extend(
        _document_mismatches("instruments", run.curve.instruments, outcome.instruments)
    )
    mismatches.extend(_table_mismatches(run, outcome))
    versions = {name: (getattr(run, name), now[name]) for name in VERSIONS}
    return Reproduction(run.id, versions, tuple(mismatches))


def _stored_document(run: BacktestRun, name: str) -> Any:
    """Return a JSON document of a run; what was not counted yet when it was done counts nothing."""
    document = getattr(run, name)
    if name == "counters":
        return dict.fromkeys(Counters.__annotations__, 0) | document
    return document


def _document_mismatches(name: str, stored: Any, now: Any) -> Iterator[Mismatch]:
    """Yield what differs of a JSON document: each key of a mapping, or the whole list."""
    now = orjson.loads(orjson.dumps(now))
    if not isinstance(stored, dict) or not isinstance(now, dict):
        if stored != now:
            yield Mismatch(name, stored, now)
        return
    for key in sorted({*stored, *now}):
        if stored.get(key) != now.get(key) or (key in stored) != (key in now):
            yield Mismatch(f"{name}.{key}", stored.get(key), now.get(key))


def _table_mismatches(run: BacktestRun, outcome: Outcome) -> Iterator[Mismatch]:
    """Yield the first difference of each of the stored tables."""
    trades = columns_of(trade_rows(outcome.trades, outcome.option_trades, symbols=run.instruments))
    pairs = (
        ("series", columns_unpack(run.curve.series), outcome.series),
        ("fills", columns_unpack(run.curve.fills), fill_columns(outcome.fills)),
        ("trades", _stored_trades(run), trades),
    )
    for table, stored, now in pairs:
        found = columns_mismatch(table, stored, now)
        if found is not None:
            yield found


def columns_mismatch(
    table: str, stored: Mapping[str, NDArray[Any]], now: Mapping[str, NDArray[Any]]
) -> Mismatch | None:
    """Return the first difference of two tables: of their columns, their length, their bits."""
    if list(stored) != list(now):
        return Mismatch(f"{table} columns", list(stored), list(now))
    lengths = [len(next(iter(columns.values()), ())) for columns in (stored, now)]
    if lengths[0] != lengths[1]:
        return Mismatch(f"{table} rows", *lengths)
    rows = {name: values_differ(stored[name], now[name]) for name in stored}
    firsts = {name: int(differ.argmax()) for name, differ in rows.items() if differ.any()}
    if not firsts:
        return None
    name = min(firsts, key=firsts.__getitem__)
    row = firsts[name]
    values = [columns[name][row : row + 1].tolist()[0] for columns in (stored, now)]
    return Mismatch(f"{table}[{row}].{name}", *values)


def _stored_trades(run: BacktestRun) -> dict[str, NDArray[Any]]:
    columns = columns_of(list(trade_list(run=run).values_list(*COLUMNS, *OPTION_COLUMNS)))
    for name in ("entry_time", "exit_time"):
        naive = [moment.replace(tzinfo=None) for moment in columns[name]]
        stamps = np.array(naive, "datetime64[us]").astype("datetime64[ns]").astype(np.int64)
        columns[name] = np.array(iso_times(stamps), object)
    expiries = [day and day.isoformat() for day in columns["expiry"]]
    return columns | {"expiry": np.array(expiries, object)}
