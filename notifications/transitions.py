"""How a delivery may change, applied by compare-and-set."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.db import claim
from notifications.choices import DeliveryStatus as Status
from notifications.models import Delivery

ALLOWED = frozenset(
    {
        (Status.QUEUED, Status.SENDING),
        (Status.QUEUED, Status.FAILED),  # its channel was switched off or deleted meanwhile
        (Status.SENDING, Status.SENT),
        (Status.SENDING, Status.FAILED),
        (Status.SENDING, Status.UNKNOWN),
        # the service told later what became of it
        (Status.UNKNOWN, Status.SENT),
        (Status.UNKNOWN, Status.FAILED),
        (Status.SENT, Status.FAILED),
        (Status.FAILED, Status.QUEUED),  # an operator has mended what was wrong
        (Status.SENDING, Status.QUEUED),  # refused for now, or its worker died: once more later
    }
)


def delivery_move(
    *, delivery_id: UUID, old: Status, new: Status, attempt: int | None = None, **changes: Any
) -> bool:
    """Move a delivery from one status to another; False where it was not there any more.

    `attempt` fences: a worker that lost its lease cannot overwrite what came after it.
    """
    if (old, new) not in ALLOWED:
        raise ValueError(f"A delivery never goes from {old} to {new}.")
    rows = Delivery.objects.filter(id=delivery_id, status=old)
    if attempt is not None:
        rows = rows.filter(attempts=attempt)
    return claim(rows, status=new, **changes)
