from __future__ import annotations

from django.urls import re_path

from core.api.urls import route
from market.api import views

app_name = "market"

urlpatterns = [
    route("instruments", views.InstrumentListView.as_view(), "instruments"),
    route("market", views.MarketListView.as_view(), "market"),
    # A symbol may have a slash in it: BTC/USDT.
    re_path(r"^market/(?P<symbol>[^/]+(?:/[^/]+)?)/?$", views.MarketView.as_view(), name="symbol"),
    route("bars", views.BarsView.as_view(), "bars"),
    route("fetches", views.FetchListView.as_view(), "fetches"),
    route("fetches/<uuid:fetch_id>", views.FetchView.as_view(), "fetch"),
    route("imports", views.ImportView.as_view(), "imports"),
]
