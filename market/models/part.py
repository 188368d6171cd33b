"""What a download has already, while it lasts."""

from __future__ import annotations

from django.db import models

from core.db import BaseModel
from market.models.fetch import Fetch


class FetchPart(BaseModel):
    """A stretch of bars of a download that is not done: a file beside the store.

    The series is written once, from all parts, when the last one came; until then nobody reads
    them but the worker that goes on where another one died.
    """

    fetch = models.ForeignKey(Fetch, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    path = models.CharField(max_length=200)
    rows = models.PositiveIntegerField()
    # Of its last bar, nanoseconds: where to go on.
    last_ts = models.BigIntegerField()
    listing = models.JSONField()
    rejected = models.JSONField(default=list)

    class Meta:
        constraints = [
            # also serves the read of all parts in order; of two writers one fails
            models.UniqueConstraint(fields=["fetch", "number"], name="fetchpart_number"),
        ]

    def __str__(self) -> str:
        return f"part {self.number} of {self.fetch_id}"
