"""What a run has found, on its way from the runner to the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Numbers and arrays of a completed run; nothing of the engine, nothing of the database.

    Attributes
    ----------
    metrics, metric_reasons, counters : dict
        The summary; why a metric is None; the engine's counts.
    warnings : list of dict
        `{"code", "message", "node_id"?}` each.
    series : dict of str to ndarray, each of shape (n,)
        `ts`, `close`, `equity`, `position`, and the overlays (`core.backtests.columns.OVERLAY`).
    fills, trades : structured ndarray
        As `core.engine.result` describes them.
    option_trades : structured ndarray or None
        As `core.options.result` describes them; None where the strategy trades none.
    alerts, alert_count : list of dict, int
        As `core.backtests.alerts` lists them; how many there were in all.
    snapshot, graph_hash, engine_version, metrics_version : str
        What the result rests on.
    other_snapshots : dict of str to str
        Hash of the bars of each other instrument that was read, by symbol.
    timings : dict of str to float
        Milliseconds of each stage.
    instruments : list of dict
        What each instrument of a portfolio did; empty where there is one.
    """

    metrics: dict[str, float | int | None]
    metric_reasons: dict[str, str]
    counters: dict[str, int | float]
    warnings: list[dict[str, Any]]
    series: dict[str, NDArray[Any]]
    fills: NDArray[Any]
    trades: NDArray[Any]
    option_trades: NDArray[Any] | None
    alerts: list[dict[str, Any]]
    alert_count: int
    snapshot: str
    other_snapshots: dict[str, str]
    graph_hash: str
    engine_version: str
    metrics_version: str
    timings: dict[str, float]
    instruments: list[dict[str, Any]] = field(default_factory=list)
