"""Charts over time: equity, drawdown, price."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.backtests.charts.data import ChartData
from core.backtests.thin import thin
from core.charts.style import (
    BENCHMARK,
    GAIN,
    INK,
    LINES,
    LOSS,
    MUTED,
    STRATEGY,
    axis_format,
    axis_of_dates,
    figure_new,
    legend,
    money,
    percent,
)
from core.metrics.drawdown import drawdown

# More than a screen has columns; the extremes survive.
POINTS = 4000


def draw_equity(data: ChartData) -> Figure:
    """Draw the account value beside buy-and-hold, and below it the drawdown."""
    figure, (top, bottom) = figure_new(data.title, data.subtitle, rows=(3.0, 1.0))
    held = data.held / data.held[0] * data.capital
    rows = thin([data.equity, held], POINTS)
    times = data.times[rows]
    top.plot(times, held[rows], color=BENCHMARK, linewidth=1.1, label="Buy and hold")
    top.plot(times, data.equity[rows], color=STRATEGY, linewidth=1.7, label="Strategy")
    low = min(data.equity.min(), data.capital)
    top.fill_between(times, data.equity[rows], low, color=STRATEGY, alpha=0.07, linewidth=0)
    top.axhline(data.capital, color=MUTED, linewidth=0.8, linestyle=(0, (4, 4)))
    axis_format(top.yaxis, money)
    top.tick_params(labelbottom=False)
    legend(top)
    _drawdown(bottom, data, mark=False)
    axis_of_dates(bottom)
    return figure


def draw_drawdown(data: ChartData) -> Figure:
    """Draw how far the account was below its highest value so far, with the deepest point."""
    figure, (axes,) = figure_new(f"{data.title} · drawdown", data.subtitle)
    _drawdown(axes, data, mark=True)
    axis_of_dates(axes)
    return figure


def _drawdown(axes: Axes, data: ChartData, *, mark: bool) -> None:
    depth = drawdown(data.equity) * 100
    rows = thin([depth], POINTS)
    axes.fill_between(data.times[rows], depth[rows], 0, color=LOSS, alpha=0.18, linewidth=0)
    axes.plot(data.times[rows], depth[rows], color=LOSS, linewidth=1.0)
    axes.set_ylim(top=0)
    axis_format(axes.yaxis, percent)
    deepest = int(depth.argmin())
    if not mark or depth[deepest] == 0:
        return
    axes.plot(data.times[deepest], depth[deepest], "o", color=LOSS, markersize=6)
    axes.set_ylim(bottom=depth[deepest] * 1.12)
    right = deepest > len(depth) * 0.75
    axes.annotate(
        f"{depth[deepest]:.1f} %  {np.datetime_as_string(data.times[deepest], unit='D')}",
        (data.times[deepest], depth[deepest]),
        textcoords="offset points",
        xytext=(-10 if right else 10, -4),
        ha="right" if right else "left",
        fontsize=10,
        fontweight="bold",
        color=INK,
    )


def draw_price(data: ChartData) -> Figure:
    """Draw the price with the strategy's indicators, purchases and sales."""
    figure, (axes,) = figure_new(f"{data.title} · price", data.subtitle)
    rows = thin([data.close], POINTS)
    axes.plot(data.times[rows], data.close[rows], color=INK, linewidth=1.1, label="Close")
    for number, (label, line) in enumerate(data.overlays.items()):
        colour = LINES[number % len(LINES)]
        axes.plot(data.times[rows], line[rows], color=colour, linewidth=1.1, label=label)
    _marks(axes, data, side=1, marker="^", colour=GAIN, label="Buy")
    _marks(axes, data, side=-1, marker="v", colour=LOSS, label="Sell")
    axis_format(axes.yaxis, money)
    axis_of_dates(axes)
    legend(axes)
    return figure


def _marks(axes: Axes, data: ChartData, *, side: int, **look: Any) -> None:
    of_side = data.fills["side"] == side
    if not of_side.any():
        return
    crowded = len(of_side) > 150
    axes.scatter(
        data.times[data.fills["bar"][of_side]],
        data.fills["price"][of_side],
        marker=look["marker"],
        s=22 if crowded else 48,
        color=look["colour"],
        edgecolors="white",
        linewidths=0.6,
        zorder=3,
        label=look["label"],
    )
