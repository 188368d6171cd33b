"""An alert on its way to one recipient through one channel."""

from __future__ import annotations

from django.db import models

from core.db import BaseModel
from notifications.channels.kinds import kind_choices
from notifications.choices import DeliveryStatus, Hold
from notifications.models.alert import Alert
from notifications.models.user_channel import UserChannel


class Delivery(BaseModel):
    """One message. Status changes go through `notifications.transitions`."""

    alert = models.ForeignKey(
        Alert, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    # Null for the in-app list, and for a channel its owner has deleted since.
    channel = models.ForeignKey(
        UserChannel,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="deliveries",
        db_index=False,
    )
    kind = models.CharField(max_length=40, choices=kind_choices)
    recipient = models.CharField(max_length=320)
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.QUEUED)
    # Neither quiet hours nor a digest holds it.
    urgent = models.BooleanField(default=False)
    held = models.CharField(max_length=12, choices=Hold, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Of the attempts, those that failed for a reason of the operator's: they use none of it up.
    excused = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True, blank=True)
    # Whose lock says that it is still at it (`notifications.senders`).
    sender = models.IntegerField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    service_id = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            # also serves the deliveries of an alert
            models.UniqueConstraint(
                fields=["alert", "kind", "recipient"], name="delivery_alert_kind_recipient"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=DeliveryStatus.values), name="delivery_status_known"
            ),
        ]
        indexes = [
            # the sweeper: what is due, and what a lost worker left in `sending`
            models.Index(
                fields=["due_at"],
                name="delivery_open",
                condition=models.Q(status__in=["queued", "sending"]),
            ),
            # the rate of a channel: what was tried in the last minute
            models.Index(fields=["channel", "tried_at"], name="delivery_channel_tried"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}: {self.status}"
