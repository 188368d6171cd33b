from __future__ import annotations

from brokers.api import account_views, deployments, views
from core.api.urls import route

app_name = "brokers"
urlpatterns = [
    route("trades", views.TradeListView.as_view(), "trades"),
    route("trades/execute", views.TradeExecuteView.as_view(), "trade-execute"),
    route("trades/<uuid:order_id>", views.TradeView.as_view(), "trade"),
    route("trades/<uuid:order_id>/cancel", views.TradeCancelView.as_view(), "trade-cancel"),
    route("trades/<uuid:order_id>/replace", views.TradeReplaceView.as_view(), "trade-replace"),
    route("kill-switch", account_views.KillSwitchView.as_view(), "kill-switch"),
    route("risk-limits", account_views.RiskLimitListView.as_view(), "risk-limits"),
    route("risk-limits/<uuid:limit_id>", account_views.RiskLimitView.as_view(), "risk-limit"),
    route("broker-accounts", account_views.AccountListView.as_view(), "accounts"),
    route("broker-accounts/<uuid:account_id>", account_views.AccountView.as_view(), "account"),
    route(
        "broker-accounts/<uuid:account_id>/positions", views.PositionListView.as_view(), "positions"
    ),
    route(
        "broker-accounts/<uuid:account_id>/orders",
        views.AccountOrderListView.as_view(),
        "account-orders",
    ),
    route("broker-accounts/<uuid:account_id>/fills", views.FillListView.as_view(), "fills"),
    *(
        route(f"broker-accounts/<uuid:account_id>/{name}", view.as_view(), f"broker-account-{name}")
        for name, view in (
            ("credentials", account_views.CredentialsView),
            ("test", account_views.ConnectionView),
            ("live", account_views.LiveView),
            ("sync", account_views.SyncView),
        )
    ),
    route("deployments", deployments.DeploymentListView.as_view(), "deployments"),
    route("deployments/<uuid:deployment_id>", deployments.DeploymentView.as_view(), "deployment"),
    *(
        route(f"deployments/<uuid:deployment_id>/{name}", view.as_view(), f"deployment-{name}")
        for name, view in (
            ("start", deployments.StartView),
            ("pause", deployments.PauseView),
            ("resume", deployments.ResumeView),
            ("stop", deployments.StopView),
            ("liquidate", deployments.LiquidateView),
            ("signals", deployments.SignalListView),
            ("drift", deployments.DriftListView),
        )
    ),
    route(
        "deployments/<uuid:deployment_id>/drift/series",
        deployments.DriftSeriesView.as_view(),
        "deployment-drift-series",
    ),
    route(
        "deployments/<uuid:deployment_id>/drift/chart",
        deployments.DriftChartView.as_view(),
        "deployment-drift-chart",
    ),
]
