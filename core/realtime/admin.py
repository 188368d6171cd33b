from __future__ import annotations

from django.contrib import admin

from core.realtime.models import Event


@admin.register(Event)
class EventAdmin(admin.ModelAdmin[Event]):
    list_display = ("created_at", "user", "seq", "topic", "type")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email", "topic")
    readonly_fields = ("user", "seq", "topic", "type", "data", "created_at")
    show_full_result_count = False
