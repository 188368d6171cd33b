from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from core.admin import column, indented, row_link
from strategies.models import Strategy, StrategyVersion


class VersionInline(admin.TabularInline[StrategyVersion, Strategy]):
    model = StrategyVersion
    fk_name = "strategy"
    fields = ("number", "graph_hash", "created_at")
    readonly_fields = fields
    ordering = ("-number",)
    show_change_link = True
    can_delete = False
    extra = 0
    max_num = 0


@admin.register(Strategy)
class StrategyAdmin(admin.ModelAdmin[Strategy]):
    list_display = (
        "name", "of_owner", "template", "version_count", "run_list", "archived_at", "created_at",
    )  # fmt: skip
    list_filter = ("template", ("archived_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("owner",)
    search_fields = ("=id", "name", "owner__email")
    date_hierarchy = "created_at"
    show_full_result_count = False
    fields = (
        "name",
        "description",
        "owner",
        "template",
        "quick",
        "base_version",
        "forked_from",
        "revision",
        "graph_hash",
        "run_list",
        "archived_at",
        "created_at",
        "updated_at",
        "graph_",
    )
    # The graph has rules that a text box does not know; its owner edits it over the API.
    readonly_fields = tuple(name for name in fields if name not in {"name", "description"})
    inlines = [VersionInline]

    of_owner = column("owner", row_link, ordering="owner__email")
    graph_ = column("graph", indented)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Strategy]:
        """Count the versions of each strategy."""
        return super().get_queryset(request).annotate(version_count=Count("versions"))

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Strategies are made over the API."""
        return False

    @admin.display(description="runs")
    def run_list(self, strategy: Strategy) -> str:
        """Return a link to its runs; by name, for runs are above strategies."""
        path = reverse("admin:backtests_backtestrun_changelist")
        return format_html('<a href="{}?strategy__id__exact={}">runs</a>', path, strategy.pk)

    @admin.display(description="versions", ordering="version_count")
    def version_count(self, strategy: Any) -> int:
        """Return how many versions were published."""
        count: int = strategy.version_count
        return count


@admin.register(StrategyVersion)
class StrategyVersionAdmin(admin.ModelAdmin[StrategyVersion]):
    list_display = ("__str__", "of_strategy", "owner", "graph_hash", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("strategy__owner",)
    search_fields = ("=id", "strategy__name", "strategy__owner__email", "graph_hash__startswith")
    show_full_result_count = False
    fields = ("strategy", "number", "graph_hash", "parameters", "created_at", "graph_")

    of_strategy = column("strategy", row_link, ordering="strategy__name")
    graph_ = column("graph", indented)

    @admin.display(ordering="strategy__owner__email")
    def owner(self, version: StrategyVersion) -> str:
        """Return whose it is."""
        return version.strategy.owner.email

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Versions are published, not typed in."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Show versions, and never change them."""
        return False
