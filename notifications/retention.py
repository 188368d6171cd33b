"""Forgetting what was told long ago."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from notifications.choices import DeliveryStatus
from notifications.models import Alert, ToldEvent

RETENTION: Final = timedelta(days=90)
# For how long a service may tell the same once more; SendGrid does so for a day.
TOLD_AGAIN: Final = timedelta(days=7)
BATCH: Final = 1000


def alerts_prune() -> int:
    """Delete alerts and their deliveries past the retention; return how many alerts.

    What is still on its way stays.
    """
    deleted = 0
    old = Alert.objects.filter(created_at__lt=timezone.now() - RETENTION).exclude(
        deliveries__status__in=[DeliveryStatus.QUEUED, DeliveryStatus.SENDING]
    )
    while ids := list(old.order_by("created_at").values_list("id", flat=True)[:BATCH]):
        Alert.objects.filter(id__in=ids).delete()
        deleted += len(ids)
    ToldEvent.objects.filter(created_at__lt=timezone.now() - TOLD_AGAIN).delete()
    return deleted
