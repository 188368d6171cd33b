"""The admin as a whole: its names, the order of its parts, and its first page."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse

from backtester.admin_board import board_read

# What an operator looks for first comes first; what is not named comes last.
APPS: Final = (
    "backtests", "brokers", "notifications", "strategies", "market",
    "accounts", "outbox", "realtime", "api",
)  # fmt: skip
# Names that say what is in there; of other packages, mostly.
TITLES: Final = {"api": "API", "axes": "Lockouts", "token_blacklist": "Refresh tokens"}


class OperationsSite(AdminSite):
    """Django's admin, which begins with what an operator needs at a glance."""

    site_header = "algobacktester"
    site_title = "algobacktester"
    index_title = "Operations"
    index_template = "admin/operations.html"
    site_url = "/api/v1/docs/"
    empty_value_display = "–"  # noqa: RUF001 - a dash, and not a minus

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show the board above the list of models."""
        return super().index(request, {**board_read(request), **(extra_context or {})})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the apps in the order of `APPS`."""
        found: list[Any] = super().get_app_list(request, app_label)
        for app in found:
            app["name"] = TITLES.get(app["app_label"], app["name"])
        last = len(APPS)
        return sorted(
            found,
            key=lambda app: APPS.index(app["app_label"]) if app["app_label"] in APPS else last,
        )
