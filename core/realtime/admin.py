from __future__ import annotations

from django.contrib import admin

from core.admin import ShownOnly, indented, row_link
from core.realtime.models import Event


@admin.register(Event)
class EventAdmin(ShownOnly, admin.ModelAdmin[Event]):
    list_display = ("type", "topic", "of_user", "seq", "created_at")
    list_filter = ("type", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "topic")
    date_hierarchy = "created_at"
    fields = ("type", "topic", "of_user", "seq", "data_", "created_at")
    show_full_result_count = False

    @admin.display(description="user", ordering="user__email")
    def of_user(self, event: Event) -> str:
        """Return a link to who was told."""
        return row_link(event.user)

    @admin.display(description="data")
    def data_(self, event: Event) -> str:
        """Return what was told, indented."""
        return indented(event.data)
