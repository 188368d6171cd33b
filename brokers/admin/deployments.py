"""Deployments to look at; the actions only make them do less: pause, stop, stop and close."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from brokers.deployments.drift_series import drift_chart
from brokers.deployments.services import deployment_pause, deployment_stop
from brokers.models import BookEntry, Deployment, DeploymentTick, DriftReport
from core.admin import ActedOn, Kept, badge, column, each, plain, row_link, signed


class DriftInline(Kept, admin.TabularInline[DriftReport, Deployment]):
    """Sessions against the backtester."""

    model = DriftReport
    extra = 0
    fields = (
        "session", "live_pnl", "backtest_pnl", "difference", "signal", "data", "timing", "slippage",
        "fees",
    )  # fmt: skip
    ordering = ("-session",)


@admin.register(Deployment)
class DeploymentAdmin(Kept, ActedOn[Deployment]):
    """Deployments."""

    list_display = (
        "name", "status", "symbol", "interval", "of_account", "of_owner", "money",
        "last_bar_ts", "next_close_at", "state_reason",
    )  # fmt: skip
    list_filter = ("state", "interval", "account__kind")
    list_select_related = ("account", "owner")
    search_fields = ("=id", "name", "symbol", "owner__email")
    show_full_result_count = False
    list_per_page = 50
    inlines = (DriftInline,)
    actions = ("pause", "stop", "liquidate")
    readonly_fields = ("against_its_backtest",)

    status = column("state", badge, title="status", ordering="state")
    of_account = column("account", row_link)
    of_owner = column("owner", row_link, ordering="owner__email")
    money = column("capital", plain, ordering="capital")

    def get_urls(self) -> list[URLPattern]:
        """Return the admin's addresses and that of the chart."""
        chart = self.admin_site.admin_view(self.chart)
        name = "brokers_deployment_drift"
        return [path("<uuid:deployment_id>/drift.svg", chart, name=name), *super().get_urls()]

    def chart(self, request: HttpRequest, deployment_id: UUID) -> HttpResponse:
        """Answer with the chart of a deployment's drift."""
        deployment = get_object_or_404(Deployment, id=deployment_id)
        if not self.has_view_permission(request, deployment):
            raise PermissionDenied
        image = drift_chart(deployment=deployment, svg=True)
        return HttpResponse(image, content_type="image/svg+xml")

    @admin.display(description="against its backtest")
    def against_its_backtest(self, deployment: Deployment) -> str:
        """Return the chart of its drift."""
        if not deployment.drift.exists():
            return "No session is over yet."
        address = reverse("admin:brokers_deployment_drift", args=[deployment.id])
        return format_html('<a href="{0}"><img src="{0}" alt="Drift" width="800"></a>', address)

    @admin.action(description="Pause: decide nothing, guards stay", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> None:
        """Pause what runs."""
        each(self, request, queryset, lambda deployment: deployment_pause(deployment=deployment))

    @admin.action(
        description="Stop: cancel what is open, keep what is held", permissions=["change"]
    )
    def stop(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> None:
        """Stop without selling."""
        self._stop(request, queryset, liquidate=False)

    @admin.action(description="Stop and close what is held", permissions=["change"])
    def liquidate(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> None:
        """Stop with nothing left."""
        self._stop(request, queryset, liquidate=True)

    def _stop(
        self, request: HttpRequest, queryset: QuerySet[Deployment], *, liquidate: bool
    ) -> None:
        stop = partial(deployment_stop, liquidate=liquidate)
        each(self, request, queryset, lambda deployment: stop(deployment=deployment))


@admin.register(DeploymentTick)
class DeploymentTickAdmin(Kept, admin.ModelAdmin[DeploymentTick]):
    """What was decided on each bar."""

    list_display = ("deployment", "bar_ts", "result", "position", "worth", "pending", "created_at")
    list_filter = ("status", "pending")
    list_select_related = ("deployment",)
    search_fields = ("=deployment__id", "deployment__name", "deployment__symbol")
    show_full_result_count = False
    list_per_page = 50

    result = column("status", badge, ordering="status")

    @admin.display(description="equity", ordering="equity")
    def worth(self, tick: DeploymentTick) -> str:
        """Return the equity of the deployment's own book."""
        return signed(tick.equity, "{:,.2f}")


@admin.register(BookEntry)
class BookEntryAdmin(Kept, admin.ModelAdmin[BookEntry]):
    """What orders came to."""

    list_display = (
        "deployment", "kind", "symbol", "bar_ts", "side", "quantity", "price", "of_order",
    )  # fmt: skip
    list_filter = ("kind",)
    list_select_related = ("deployment", "order")
    search_fields = ("=deployment__id", "deployment__symbol")
    show_full_result_count = False
    list_per_page = 50

    of_order = column("order", row_link)
