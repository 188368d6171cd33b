"""The history of an order."""

from __future__ import annotations

from django.db import models

from brokers.models.order import Order
from core.db import BaseModel


class OrderEvent(BaseModel):
    """One change of status, written in the transaction that made it."""

    order = models.ForeignKey(
        Order, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    old_status = models.CharField(max_length=20)
    new_status = models.CharField(max_length=20)
    note = models.TextField(blank=True)

    class Meta:
        indexes = [
            # the history of an order, oldest first
            models.Index(fields=["order", "created_at"], name="orderevent_order"),
        ]

    def __str__(self) -> str:
        return f"{self.old_status} -> {self.new_status}"
