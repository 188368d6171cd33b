"""From a run to the bytes of an image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.core.cache import cache
from matplotlib.figure import Figure

from core.backtests.charts.curves import draw_drawdown, draw_equity, draw_price
from core.backtests.charts.data import ChartData, chart_data
from core.backtests.charts.distributions import draw_monthly, draw_returns, draw_trades
from core.backtests.models import BacktestRun
from core.charts.image import figure_render

CHART_TYPES: Final[dict[str, Callable[[ChartData], Figure]]] = {
    "equity": draw_equity,
    "drawdown": draw_drawdown,
    "returns": draw_returns,
    "price": draw_price,
    "monthly": draw_monthly,
    "trades": draw_trades,
}
# A completed run never changes: only a release that draws otherwise needs another key.
CACHE_KEY: Final = "chart:1:{run_id}:{chart_type}:{kind}"
KEPT_S: Final = 3600


def chart_render(*, run: BacktestRun, chart_type: str, svg: bool = False) -> bytes:
    """Return a chart of a run that was read with its curve, as PNG or SVG.

    Parameters
    ----------
    chart_type : str
        One of `CHART_TYPES`.
    """
    key = CACHE_KEY.format(run_id=run.id, chart_type=chart_type, kind="svg" if svg else "png")
    kept: bytes | None = cache.get(key)
    if kept is not None:
        return kept
    image = figure_render(CHART_TYPES[chart_type](chart_data(run)), svg=svg)
    cache.set(key, image, timeout=KEPT_S)
    return image
