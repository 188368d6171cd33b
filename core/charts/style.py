"""One look for every chart: quiet axes, strong data."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import shorten
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter

INK: Final = "#1f2933"
MUTED: Final = "#7b8794"
GRID: Final = "#e4e7eb"
STRATEGY: Final = "#2563eb"
BENCHMARK: Final = "#9aa5b1"
GAIN: Final = "#0f9d76"
LOSS: Final = "#d64545"
LINES: Final = ("#f59e0b", "#8b5cf6", "#06b6d4", "#ec4899", "#84cc16", "#f97316")

SIZE_INCHES: Final = (11.0, 5.6)
DPI: Final = 110
TITLE_LENGTH: Final = 60


def figure_new(
    title: str, subtitle: str, *, rows: tuple[float, ...] = (1.0,)
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a title and axes one above the other, as high as `rows` says."""
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08, rect=(0, 0, 1, 0.885))
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout=layout, facecolor="white")
    # No mathematics in titles: a name with dollar signs is a name.
    plain: dict[str, Any] = {"va": "center", "parse_math": False}
    title = shorten(title, TITLE_LENGTH, placeholder=" …")
    figure.text(0.018, 0.962, title, fontsize=14, fontweight="bold", color=INK, **plain)
    figure.text(0.018, 0.914, subtitle, fontsize=9.5, color=MUTED, **plain)
    grid = figure.add_gridspec(len(rows), 1, height_ratios=rows)
    axes: list[Axes] = []
    for row in range(len(rows)):
        axes.append(figure.add_subplot(grid[row, 0], sharex=axes[0] if axes else None))
        axes_clean(axes[-1])
    return figure, axes


def axes_clean(axes: Axes) -> None:
    """Leave only what helps to read a value."""
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(GRID)
    axes.tick_params(colors=MUTED, labelsize=9, length=0, pad=6)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)


def axis_of_dates(axes: Axes) -> None:
    """Write dates as short as they can be read."""
    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]  # matplotlib.dates has no types
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # as above


def axis_format(axis: Any, write: Callable[[float], str]) -> None:
    """Write the numbers of an axis with a function."""
    axis.set_major_formatter(FuncFormatter(lambda value, _position: write(value)))


def money(value: float) -> str:
    """Return an amount as short as it can be read: 950, 12.5k, 3.2M."""
    for limit, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:,.4g}{suffix}"
    return f"{value:,.4g}"


def percent(value: float) -> str:
    """Return a percentage that is given in percent."""
    return f"{value:,.4g} %"


def legend(axes: Axes) -> None:
    """Name the lines at the right of the title, where they hide no data."""
    handles, labels = axes.get_legend_handles_labels()
    figure = axes.get_figure()
    if not handles or figure is None:
        return
    figure.legend(
        handles,
        labels,
        loc="upper right",
        bbox_to_anchor=(0.99, 1.0),
        ncols=len(handles) if len(handles) <= 6 else (len(handles) + 1) // 2,
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        handlelength=1.6,
        columnspacing=1.4,
    )


def nothing(axes: Axes, text: str) -> None:
    """Say that there is nothing to draw, and why."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED)
