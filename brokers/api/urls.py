from __future__ import annotations

from brokers.api import (
    account_views,
    deployment_views,
    holding_views,
    limit_views,
    trade_views,
)
from core.api.urls import route

app_name = "brokers"
urlpatterns = [
    route("trades", trade_views.TradeListView.as_view(), "trades"),
    route("trades/execute", trade_views.TradeExecuteView.as_view(), "trade-execute"),
    route("trades/<uuid:order_id>", trade_views.TradeView.as_view(), "trade"),
    route("trades/<uuid:order_id>/cancel", trade_views.TradeCancelView.as_view(), "trade-cancel"),
    route(
        "trades/<uuid:order_id>/replace", trade_views.TradeReplaceView.as_view(), "trade-replace"
    ),
    route("kill-switch", account_views.KillSwitchView.as_view(), "kill-switch"),
    route("risk-limits", limit_views.RiskLimitListView.as_view(), "risk-limits"),
    route("risk-limits/<uuid:limit_id>", limit_views.RiskLimitView.as_view(), "risk-limit"),
    route("broker-accounts", account_views.AccountListView.as_view(), "accounts"),
    route("broker-accounts/<uuid:account_id>", account_views.AccountView.as_view(), "account"),
    route(
        "broker-accounts/<uuid:account_id>/positions",
        holding_views.PositionListView.as_view(),
        "positions",
    ),
    route(
        "broker-accounts/<uuid:account_id>/orders",
        trade_views.AccountOrderListView.as_view(),
        "account-orders",
    ),
    route("broker-accounts/<uuid:account_id>/fills", holding_views.FillListView.as_view(), "fills"),
    *(
        route(f"broker-accounts/<uuid:account_id>/{name}", view.as_view(), f"broker-account-{name}")
        for name, view in (
            ("credentials", account_views.CredentialsView),
            ("test", account_views.ConnectionView),
            ("live", account_views.LiveView),
            ("sync", account_views.SyncView),
        )
    ),
    route("deployments", deployment_views.DeploymentListView.as_view(), "deployments"),
    route(
        "deployments/<uuid:deployment_id>", deployment_views.DeploymentView.as_view(), "deployment"
    ),
    *(
        route(f"deployments/<uuid:deployment_id>/{name}", view.as_view(), f"deployment-{name}")
        for name, view in (
            ("start", deployment_views.StartView),
            ("pause", deployment_views.PauseView),
            ("resume", deployment_views.ResumeView),
            ("stop", deployment_views.StopView),
            ("liquidate", deployment_views.LiquidateView),
            ("signals", deployment_views.SignalListView),
            ("drift", deployment_views.DriftListView),
        )
    ),
    route(
        "deployments/<uuid:deployment_id>/drift/series",
        deployment_views.DriftSeriesView.as_view(),
        "deployment-drift-series",
    ),
    route(
        "deployments/<uuid:deployment_id>/drift/chart",
        deployment_views.DriftChartView.as_view(),
        "deployment-drift-chart",
    ),
]
