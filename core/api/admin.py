from __future__ import annotations

from django.contrib import admin

from core.admin import ShownOnly
from core.api.models import IdempotencyKey


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ShownOnly, admin.ModelAdmin[IdempotencyKey]):
    list_display = ("key", "owner", "path", "status_code", "created_at")
    list_select_related = ("owner",)
    search_fields = ("key", "owner__email", "path")
    fields = ("owner", "key", "path", "request_hash", "status_code", "headers", "created_at")
    date_hierarchy = "created_at"
