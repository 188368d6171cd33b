"""How a deployment's trading went away from its backtest, session by session, and a chart of it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brokers.deployments.selectors import drift_list
from brokers.models import Deployment, DriftReport
from core.charts.image import figure_render
from core.charts.style import (
    BENCHMARK,
    INK,
    LINES,
    MUTED,
    STRATEGY,
    axis_format,
    axis_of_dates,
    figure_new,
    legend,
    money,
    nothing,
)

PARTS: Final = ("signal", "data", "timing", "slippage", "fees")
# The last so many: more than a chart has room for.
SESSIONS: Final = 1000
# Of so few each is marked.
FEW: Final = 60
# Days on the axis, so that one session is a bar and not a wall.
NARROWEST: Final = 14


def drift_series(*, deployment: Deployment) -> dict[str, Any]:
    """Return sessions, profits and differences as columns, their sums so far, and every fill."""
    reports = _reports(deployment)
    columns = {name: _column(reports, name) for name in ("live_pnl", "backtest_pnl", "difference")}
    return {
        "sessions": [report.session.isoformat() for report in reports],
        **columns,
        **{f"{name}_total": list(accumulate(column)) for name, column in columns.items()},
        "parts": {name: _column(reports, name) for name in PARTS},
        "fills": [
            {"session": report.session.isoformat(), **fill}
            for report in reports
            for fill in report.detail.get("fills", ())
        ],
    }


def drift_chart(*, deployment: Deployment, svg: bool = False) -> bytes:
    """Return both profits so far and, below, what each session's difference is due to."""
    return figure_render(_drawn(deployment), svg=svg)


def _drawn(deployment: Deployment) -> Figure:
    reports = _reports(deployment)
    title = f"{deployment.name} · drift"
    if not reports:
        figure, (axes,) = figure_new(title, _subtitle(deployment))
        nothing(axes, "No session is over yet.")
        return figure
    count = "1 session" if len(reports) == 1 else f"{len(reports)} sessions"
    total = sum(report.difference for report in reports)
    subtitle = f"{_subtitle(deployment)}, {count}, live less backtest {total:+,.2f}"
    figure, (top, bottom) = figure_new(title, subtitle, rows=(1.6, 1.0))
    days = np.array([report.session for report in reports], dtype="datetime64[D]")
    marker = "o" if len(reports) <= FEW else ""
    for name, colour, label in (
        ("backtest_pnl", BENCHMARK, "Backtest"),
        ("live_pnl", STRATEGY, "Traded"),
    ):
        profit = np.cumsum(_column(reports, name))
        top.plot(days, profit, color=colour, lw=1.6, marker=marker, ms=3.5, label=label)
    top.axhline(0.0, color=MUTED, linewidth=0.8, linestyle=(0, (4, 4)))
    top.tick_params(labelbottom=False)
    axis_format(top.yaxis, money)
    _stacked(bottom, days, reports)
    room = max(0, NARROWEST - int((days[-1] - days[0]).astype(int))) // 2 + 1
    top.set_xlim(days[0] - room, days[-1] + room)
    legend(top)
    return figure


def _stacked(axes: Axes, days: np.ndarray[Any, Any], reports: list[DriftReport]) -> None:
    """Draw a bar a session, its parts above zero upwards and those below downwards."""
    above, below = np.zeros(len(reports)), np.zeros(len(reports))
    for name, colour in zip(PARTS, LINES, strict=False):
        values = np.array(_column(reports, name))
        if not values.any():
            continue
        bottoms = np.where(values >= 0, above, below)
        axes.bar(days, values, bottom=bottoms, width=0.8, color=colour, label=name.title())
        above += np.maximum(values, 0.0)
        below += np.minimum(values, 0.0)
    axes.axhline(0.0, color=MUTED, linewidth=0.8)
    # Above the bars, where it hides none.
    if axes.get_legend_handles_labels()[0]:
        place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0)}
        axes.legend(**place, ncols=len(PARTS), frameon=False, fontsize=8.5, labelcolor=INK)
    axis_format(axes.yaxis, money)
    axis_of_dates(axes)


def _reports(deployment: Deployment) -> list[DriftReport]:
    """Return the last sessions, the oldest first."""
    rows = list(drift_list(deployment=deployment).order_by("-session")[:SESSIONS])
    return rows[::-1]


def _column(reports: Iterable[DriftReport], name: str) -> list[float]:
    return [float(getattr(report, name)) for report in reports]


def _subtitle(deployment: Deployment) -> str:
    return f"{deployment.symbol} {deployment.interval}, capital {deployment.capital:,.0f}"
