from __future__ import annotations

from brokers.api import views
from core.api.urls import route

app_name = "brokers"
urlpatterns = [
    route("trades", views.TradeListView.as_view(), "trades"),
    route("trades/execute", views.TradeExecuteView.as_view(), "trade-execute"),
    route("trades/<uuid:order_id>", views.TradeView.as_view(), "trade"),
    route("trades/<uuid:order_id>/cancel", views.TradeCancelView.as_view(), "trade-cancel"),
    route("broker-accounts", views.AccountListView.as_view(), "accounts"),
    route("broker-accounts/<uuid:account_id>", views.AccountView.as_view(), "account"),
    route(
        "broker-accounts/<uuid:account_id>/positions", views.PositionListView.as_view(), "positions"
    ),
    route(
        "broker-accounts/<uuid:account_id>/orders",
        views.AccountOrderListView.as_view(),
        "account-orders",
    ),
    route("broker-accounts/<uuid:account_id>/fills", views.FillListView.as_view(), "fills"),
]
