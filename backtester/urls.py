"""Every URL of the site. Each app brings its own endpoints; all of them live under /api/v1/."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from core.api.health import healthz, readyz
from core.api.index import home, index
from core.api.urls import route

API_APPS = (
    "core.accounts",
    "core.realtime",
    "market",
    "strategies",
    "notifications",
    "core.backtests",
    "brokers",
)

admin.autodiscover()

urlpatterns = [
    path("", home, name="home"),
    route("api/v1", index, "index"),
    route("healthz", healthz, "healthz"),
    route("readyz", readyz, "readyz"),
    path("admin/", admin.site.urls),
    route("api/v1/schema", SpectacularAPIView.as_view(), "schema"),
    route("api/v1/docs", SpectacularSwaggerView.as_view(url_name="schema"), "docs"),
    route("api/v1/redoc", SpectacularRedocView.as_view(url_name="schema"), "redoc"),
    *[path("api/v1/", include(f"{app}.api.urls")) for app in API_APPS],
]

handler400 = "core.api.views.bad_request"
handler404 = "core.api.views.not_found"
handler500 = "core.api.views.server_error"
