"""What a service tells of a message after it has taken it."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from notifications.attempts import channel_disable
from notifications.channels.base import Receipt
from notifications.choices import DeliveryStatus as Status
from notifications.links import receipt_delivery_id
from notifications.models import Delivery
from notifications.transitions import delivery_move

TOLD: Final = (Status.SENDING, Status.UNKNOWN, Status.SENT)


@transaction.atomic
def delivery_receipt(*, token: str, receipt: Receipt) -> int:
    """Write down what became of a delivery, and of those of the same digest; return of how many.

    One of unknown outcome is settled by it, and one that was sent and did not arrive has failed. An
    address that takes no messages at all switches its channel off, as a refusal at once does.
    """
    delivery_id = receipt_delivery_id(token)
    if delivery_id is None or receipt.arrived is None:
        return 0
    found = Delivery.objects.filter(id=delivery_id, status__in=TOLD).first()
    if found is None:
        return 0
    # What was claimed for one message was tried at one time.
    rows = Delivery.objects.filter(
        channel=found.channel_id, kind=found.kind, tried_at=found.tried_at, status__in=TOLD
    )
    settled = sum(_settle(row, receipt) for row in rows)
    if settled and receipt.permanent and not receipt.arrived and found.channel_id is not None:
        channel_disable(channel_id=found.channel_id, reason=receipt.error)
    return settled


def _settle(row: Delivery, receipt: Receipt) -> bool:
    changes: dict[str, Any] = {"service_id": receipt.service_id[:200]}
    if receipt.arrived:
        if row.status != Status.UNKNOWN:
            return False  # it is known as sent, or will be by who sends it
        changes |= {"error": "", "sent_at": timezone.now()}
    else:
        changes |= {"error": receipt.error[:1000]}
    return delivery_move(
        delivery_id=row.id,
        old=Status(row.status),
        new=Status.SENT if receipt.arrived else Status.FAILED,
        attempt=row.attempts,
        **changes,
    )
