"""Charts of a completed run, by matplotlib's object interface: no state shared by requests."""

from __future__ import annotations

from core.backtests.charts.render import CHART_TYPES, chart_render

__all__ = ["CHART_TYPES", "chart_render"]
