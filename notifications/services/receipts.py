"""What a service tells of a message after it has taken it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from notifications.attempts import channel_disable
from notifications.channels.base import Receipt
from notifications.choices import DeliveryStatus as Status
from notifications.links import receipt_delivery_id
from notifications.models import Delivery, ToldEvent, UserChannel
from notifications.transitions import delivery_move

TOLD: Final = (Status.SENDING, Status.UNKNOWN, Status.SENT)


def receipts_take(*, kind: str, token: str, receipts: Sequence[Receipt]) -> int:
    """Write down what a service tells; return how many deliveries were settled by it.

    Each is taken on its own, once however often it is told: where one breaks, the service tells
    all of them again, and those before it are known.

    Parameters
    ----------
    token : str
        Of the link that the service used, for those that do not hand it back otherwise.
    """
    settled = 0
    for receipt in receipts:
        with transaction.atomic():
            if _is_new(kind, receipt.event_id):
                settled += _take(kind, receipt.token or token, receipt)
    return settled


def _is_new(kind: str, event_id: str) -> bool:
    if not event_id:
        return True
    return ToldEvent.objects.get_or_create(kind=kind, event_id=event_id[:200])[1]


def _take(kind: str, token: str, receipt: Receipt) -> int:
    """Settle a delivery, and those of the same digest; end the channels that lead nowhere.

    One of unknown outcome is settled by it, and one that was sent and did not arrive has failed. An
    address that takes no messages at all switches its channels off, as a refusal at once does.
    """
    rows = _deliveries(token) if receipt.arrived is not None else []
    settled = [row for row in rows if _settle(row, receipt)]
    if receipt.ends_channel:
        channels = {row.channel_id for row in settled if row.channel_id is not None}
        if receipt.recipient:
            channels |= set(_reached(kind, receipt).values_list("id", flat=True))
        for channel_id in sorted(channels):
            channel_disable(channel_id=channel_id, reason=receipt.error, unwanted=receipt.unwanted)
    return len(settled)


def _deliveries(token: str) -> list[Delivery]:
    """Return what was claimed for one message: that was tried at one time."""
    delivery_id = receipt_delivery_id(token)
    if delivery_id is None:
        return []
    found = Delivery.objects.filter(id=delivery_id, status__in=TOLD).first()
    if found is None:
        return []
    rows = Delivery.objects.filter(
        channel=found.channel_id, kind=found.kind, tried_at=found.tried_at, status__in=TOLD
    )
    return list(rows)


def _reached(kind: str, receipt: Receipt) -> QuerySet[UserChannel]:
    """Return the channels to an address that was not proven, or given, after what is told of it."""
    told_at = receipt.told_at or timezone.now()
    before = Q(verified_at=None, created_at__lte=told_at) | Q(verified_at__lte=told_at)
    return UserChannel.objects.filter(
        before, kind=kind, address__iexact=receipt.recipient, enabled=True
    )


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
