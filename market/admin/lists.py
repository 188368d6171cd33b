"""Lists of symbols, and credentials."""

from __future__ import annotations

from django.contrib import admin

from core.admin import ShownOnly
from market.models import (
    ProviderKey,
    Universe,
)


@admin.register(Universe)
class UniverseAdmin(admin.ModelAdmin[Universe]):
    """Lists of symbols."""

    list_display = ("name", "description", "size", "owner", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("name", "description", "owner__email")
    autocomplete_fields = ("owner",)

    @admin.display(description="symbols")
    def size(self, universe: Universe) -> int:
        """Return how many symbols it has."""
        return len(universe.symbols)


@admin.register(ProviderKey)
class ProviderKeyAdmin(ShownOnly, admin.ModelAdmin[ProviderKey]):
    """Who has credentials at which provider."""

    list_display = ("provider", "owner", "created_at", "updated_at")
    list_filter = ("provider",)
    list_select_related = ("owner",)
    search_fields = ("owner__email",)
    # What was stored is shown to nobody, sealed or not.
    fields = ("provider", "owner", "created_at", "updated_at")
