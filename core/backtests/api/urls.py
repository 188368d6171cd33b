"""`backtests/…`, the same under `backtest/…` for front ends that say it so, and proofs."""

from __future__ import annotations

from django.urls import URLPattern

from core.api.urls import route
from core.backtests.api.result_views import (
    ChartView,
    CompareView,
    EquityView,
    ExportView,
    InstrumentListView,
    ResultView,
    TradeListView,
)
from core.backtests.api.verify import VerifyView
from core.backtests.api.views import (
    QuickBacktestView,
    RunCancelView,
    RunListView,
    RunRetryView,
    RunView,
)

app_name = "backtests"

OF_A_RUN = (
    ("", RunView, "run"),
    ("/results", ResultView, "results"),
    ("/trades", TradeListView, "trades"),
    ("/instruments", InstrumentListView, "instruments"),
    ("/equity", EquityView, "equity"),
    ("/chart", ChartView, "chart"),
    ("/export", ExportView, "export"),
    ("/cancel", RunCancelView, "cancel"),
    ("/retry", RunRetryView, "retry"),
)

urlpatterns: list[URLPattern] = [
    route("backtest", QuickBacktestView.as_view(), "quick"),
    route("backtests", RunListView.as_view(), "list"),
    # A strategy's own path, served here: only runs know both graphs and bars.
    route("strategies/<uuid:strategy_id>/verify", VerifyView.as_view(), "verify"),
    route("backtests/compare", CompareView.as_view(), "compare"),
    *[
        route(f"backtests/<uuid:run_id>{path}", view.as_view(), name)
        for path, view, name in OF_A_RUN
    ],
    # The second spelling is not documented a second time.
    *[
        route(f"backtest/<uuid:run_id>{path}", view.as_view(schema=None), f"alias-{name}")
        for path, view, name in OF_A_RUN
    ],
]
