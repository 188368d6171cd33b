"""The front door: where everything is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase

from core.api.reading import reading

AREAS = (
    "auth/register",
    "auth/login",
    "me",
    "indicators",
    "nodes",
    "templates",
    "strategies",
    "instruments",
    "market",
    "bars",
    "fetches",
    "imports",
    "quality",
    "universes",
    "watches",
    "providers",
    "backtest",
    "backtests",
    "trades",
    "broker-accounts",
    "risk-limits",
    "deployments",
    "channels",
    "alert-rules",
    "notifications/history",
    "ws-ticket",
    "schema",
    "docs",
)


def home(request: HttpRequest) -> HttpResponseBase:  # noqa: ARG001 - Django's signature
    """Send people who open the bare address to the API's documentation."""
    return HttpResponseRedirect("/api/v1/docs/")


@reading
def index(request: HttpRequest) -> HttpResponseBase:
    """List the areas of the API."""
    base = request.build_absolute_uri("/api/v1/")
    return JsonResponse({area: f"{base}{area}/" for area in AREAS})
