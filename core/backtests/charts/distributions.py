"""Charts of how returns are spread: by size, by month, by trade."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from core.backtests.charts.data import ChartData
from core.charts.style import (
    BENCHMARK,
    GAIN,
    INK,
    LOSS,
    MUTED,
    STRATEGY,
    axis_format,
    axis_of_dates,
    figure_new,
    legend,
    nothing,
    percent,
)

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FADE = LinearSegmentedColormap.from_list("loss-gain", [LOSS, "#ffffff", GAIN])
YEARS_SHOWN = 25


def draw_returns(data: ChartData) -> Figure:
    """Draw how often a bar's return was how large, beside that of holding the instrument."""
    figure, (axes,) = figure_new(f"{data.title} · returns", data.subtitle)
    own, held = bar_returns(data.equity), bar_returns(data.held)
    invested = own[own != 0]
    if len(invested) < 2:
        nothing(axes, "There was never a position, so there are no returns.")
        return figure
    edge = float(np.percentile(np.abs(np.concatenate([invested, held])), 99.5)) or 1.0
    bins: list[float] = np.linspace(-edge, edge, 61).tolist()
    axes.hist(np.clip(held, -edge, edge), bins, color=BENCHMARK, alpha=0.45, label="Buy and hold")
    axes.hist(
        np.clip(invested, -edge, edge), bins, color=STRATEGY, alpha=0.75, label="Strategy, invested"
    )
    for value, label, colour in (
        (float(invested.mean()), "mean", STRATEGY),
        (float(np.percentile(invested, 5)), "worst 5 %", LOSS),
    ):
        axes.axvline(value, color=colour, linewidth=1.3, linestyle=(0, (4, 3)))
        axes.annotate(
            f"{label} {value:+.2f} %",
            (value, 0.97),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            xytext=(6 if value > 0 else -6, 0),
            ha="left" if value > 0 else "right",
            fontsize=9,
            color=colour,
        )
    axis_format(axes.xaxis, percent)
    axes.set_xlabel("Return of one bar; the outermost bins hold everything beyond", color=MUTED)
    axes.set_ylabel("Bars", color=MUTED)
    legend(axes)
    return figure


def bar_returns(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the percent changes from bar to bar; where the base is not positive there is none."""
    base = values[:-1]
    good = base > 0
    changes: NDArray[np.float64] = (values[1:][good] / base[good] - 1) * 100
    return changes


def draw_monthly(data: ChartData) -> Figure:
    """Draw the return of each month as a table of years, with the years' own at the right."""
    figure, (axes,) = figure_new(f"{data.title} · monthly returns", data.subtitle)
    years, table = monthly_returns(data)
    years, table = years[-YEARS_SHOWN:], table[-YEARS_SHOWN:]
    months = table[:, :12]
    edge = float(np.nanpercentile(np.abs(months), 95)) or 1.0
    norm = TwoSlopeNorm(0, -edge, edge)
    axes.imshow(months, cmap=FADE, norm=norm, aspect="auto", extent=(0, 12, len(years), 0))
    axes.imshow(
        table[:, 12:],
        cmap=FADE,
        norm=TwoSlopeNorm(0, -3 * edge, 3 * edge),
        aspect="auto",
        extent=(12.25, 13.45, len(years), 0),
    )
    axes.set_xlim(0, 13.45)
    size = 9 if len(years) <= 15 else 7
    for (row, column), value in np.ndenumerate(table):
        if np.isnan(value):
            continue
        strong = abs(value) > (0.75 * edge if column < 12 else 2.25 * edge)
        axes.text(
            column + 0.5 if column < 12 else 12.85,
            row + 0.5,
            f"{value:.1f}",
            ha="center",
            va="center",
            fontsize=size,
            fontweight="bold" if column == 12 else "normal",
            color="white" if strong else INK,
        )
    axes.set_xticks([*(np.arange(12) + 0.5), 12.85], [*MONTHS, "Year"])
    axes.set_yticks(np.arange(len(years)) + 0.5, [str(year) for year in years])
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    for line in range(1, len(years)):
        axes.axhline(line, color="white", linewidth=2)
    for line in range(1, 12):
        axes.axvline(line, color="white", linewidth=2)
    return figure


def monthly_returns(data: ChartData) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the years, and for each the percent returns of 12 months and of the year.

    A month's return runs from the last bar of the month before; the first one from the capital.
    Months without bars, and those after ruin, are NaN.
    """
    months = data.times.astype("datetime64[M]").astype(np.int64)
    last = np.flatnonzero(np.append(np.diff(months) != 0, True))
    closing = data.equity[last]
    opening = np.concatenate([[data.capital], closing[:-1]])
    change = np.where(opening > 0, closing / np.where(opening > 0, opening, 1) - 1, np.nan)
    years = np.arange(months[0] // 12, months[-1] // 12 + 1) + 1970
    table = np.full((len(years), 13), np.nan)
    table[months[last] // 12 + 1970 - years[0], months[last] % 12] = change * 100
    known = ~np.isnan(table[:, :12])
    growth = np.prod(1 + np.where(known, table[:, :12], 0) / 100, axis=1)
    table[:, 12] = np.where(known.any(axis=1), (growth - 1) * 100, np.nan)
    return years, table


def draw_trades(data: ChartData) -> Figure:
    """Draw the return of each trade at its exit."""
    figure, (axes,) = figure_new(f"{data.title} · trades", data.subtitle)
    if not len(data.trade_returns):
        nothing(axes, "There were no trades.")
        return figure
    won = data.trade_returns > 0
    crowded = len(won) > 300
    for chosen, label, colour in ((won, "Won", GAIN), (~won, "Lost", LOSS)):
        if not crowded:
            axes.vlines(
                data.trade_times[chosen],
                0,
                data.trade_returns[chosen],
                color=colour,
                linewidth=1.4,
                alpha=0.55,
            )
        axes.scatter(
            data.trade_times[chosen],
            data.trade_returns[chosen],
            s=14 if crowded else 42,
            color=colour,
            edgecolors="white",
            linewidths=0.7,
            zorder=3,
            label=f"{label} ({int(chosen.sum())})",
        )
    axes.axhline(0, color=MUTED, linewidth=0.9)
    _average(axes, float(data.trade_returns.mean()))
    axis_format(axes.yaxis, percent)
    axis_of_dates(axes)
    legend(axes)
    return figure


def _average(axes: Axes, mean: float) -> None:
    """Mark the average of all trades."""
    axes.axhline(mean, color=STRATEGY, linewidth=1.1, linestyle=(0, (4, 3)))
    axes.annotate(
        f"average {mean:+.2f} %",
        (1, mean),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        xytext=(-4, 4),
        ha="right",
        fontsize=9,
        color=STRATEGY,
    )
