from __future__ import annotations

from django.contrib import admin

from core.admin import ShownOnly, column, indented, row_link
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

    of_user = column("user", row_link, ordering="user__email")
    data_ = column("data", indented)
