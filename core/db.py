"""Abstract models and the one way to change a status.

Ids are UUIDv7: they sort by time, so that a list by id is a list by age and an index grows at its
end, and they tell nothing about how many rows there are.
"""

from __future__ import annotations

import secrets
import time
import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


def uuid7() -> uuid.UUID:
    """Return a time-ordered UUID (RFC 9562, version 7): 60 bits of time, 62 of chance.

    The 12 bits after the milliseconds are their fraction (method 3 there), so that rows made one
    after the other are in that order.
    """
    milliseconds, rest_ns = divmod(time.time_ns(), 1_000_000)
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= (rest_ns << 12) // 1_000_000 << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return uuid.UUID(int=value)


class BaseModel(models.Model):
    """Id and times."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class OwnedModel(BaseModel):
    """A row that belongs to one user; read it through an owner-scoped selector."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
    )

    class Meta:
        abstract = True


def claim(queryset: models.QuerySet[Any], **changes: Any) -> bool:
    """Change the rows of `queryset` in one statement and tell whether exactly one changed.

    This is compare-and-set: put the expected state in the filter, the new one in `changes`, and go
    on only where the answer is True. Of two processes that try at once, one gets True.
    """
    return queryset.update(updated_at=timezone.now(), **changes) == 1
