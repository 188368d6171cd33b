from __future__ import annotations

from django.contrib import admin

from core.outbox.models import OutboxMessage


@admin.register(OutboxMessage)
class OutboxMessageAdmin(admin.ModelAdmin[OutboxMessage]):
    list_display = ("task", "args", "queue", "attempts", "last_error", "created_at")
    list_filter = ("task", "queue")
    search_fields = ("task", "args")
    readonly_fields = ("task", "args", "queue", "attempts", "last_error", "created_at")
