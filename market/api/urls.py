from __future__ import annotations

from django.urls import re_path

from core.api.urls import route
from market.api import import_views as imports
from market.api import research_views, views

app_name = "market"

urlpatterns = [
    route("instruments", views.InstrumentListView.as_view(), "instruments"),
    route("market", views.MarketListView.as_view(), "market"),
    # A symbol may have a slash in it: BTC/USDT.
    re_path(r"^market/(?P<symbol>[^/]+(?:/[^/]+)?)/?$", views.MarketView.as_view(), name="symbol"),
    route("bars", views.BarsView.as_view(), "bars"),
    route("fetches", views.FetchListView.as_view(), "fetches"),
    route("fetches/<uuid:fetch_id>", views.FetchView.as_view(), "fetch"),
    route("fetches/<uuid:fetch_id>/cancel", views.FetchCancelView.as_view(), "fetch-cancel"),
    route("fetches/<uuid:fetch_id>/retry", views.FetchRetryView.as_view(), "fetch-retry"),
    route("quality", research_views.QualityView.as_view(), "quality"),
    route("universes", research_views.UniverseListView.as_view(), "universes"),
    route("universes/<str:name>", research_views.UniverseView.as_view(), "universe"),
    route("watches", research_views.WatchListView.as_view(), "watches"),
    route("watches/<uuid:watch_id>", research_views.WatchView.as_view(), "watch"),
    route("providers", research_views.ProviderListView.as_view(), "providers"),
    route("provider-keys/<str:provider>", research_views.ProviderKeyView.as_view(), "provider-key"),
    route("imports", imports.ImportListView.as_view(), "imports"),
    route("imports/preview", imports.ImportPreviewView.as_view(), "import-preview"),
    route("imports/<uuid:import_id>", imports.ImportView.as_view(), "import"),
    route("imports/<uuid:import_id>/cancel", imports.ImportCancelView.as_view(), "import-cancel"),
    route("imports/<uuid:import_id>/retry", imports.ImportRetryView.as_view(), "import-retry"),
]
