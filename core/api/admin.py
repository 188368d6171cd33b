from __future__ import annotations

from django.contrib import admin

from core.api.models import IdempotencyKey


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(admin.ModelAdmin[IdempotencyKey]):
    list_display = ("key", "owner", "path", "status_code", "created_at")
    list_select_related = ("owner",)
    search_fields = ("key", "owner__email", "path")
    fields = ("owner", "key", "path", "request_hash", "status_code", "headers", "created_at")
    readonly_fields = fields
