from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin import ActedOn, Kept, duration
from core.outbox.models import OutboxMessage
from core.outbox.services import message_send


@admin.register(OutboxMessage)
class OutboxMessageAdmin(Kept, ActedOn[OutboxMessage]):
    list_display = ("task", "args", "queue", "waits", "attempts", "last_error", "created_at")
    list_filter = ("task", "queue")
    search_fields = ("task", "args")
    ordering = ("created_at",)
    actions = ("send",)

    @admin.display(description="waits for", ordering="-created_at")
    def waits(self, message: OutboxMessage) -> str:
        """Return how long it has been here."""
        return duration(timezone.now() - message.created_at)

    @admin.action(description="Send now (every task may run twice)", permissions=["change"])
    def send(self, request: HttpRequest, rows: QuerySet[OutboxMessage]) -> None:
        """Hand the chosen messages to the broker; tasks claim their row, so twice does no harm."""
        chosen = list(rows)
        sent = 0
        for message in chosen:
            if not message_send(message=message):
                break
            sent += 1
        level = messages.SUCCESS if sent == len(chosen) else messages.WARNING
        self.message_user(request, f"Messages sent: {sent} of {len(chosen)}.", level)
