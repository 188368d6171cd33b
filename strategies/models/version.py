"""A version: a graph frozen for ever, so that a run can be done again."""

from __future__ import annotations

from django.db import models

from core.db import uuid7


class StrategyVersion(models.Model):
    """The graph of a strategy at one time. It is inserted and read, never updated.

    A trigger of the database refuses updates (migration 0002). The same graph is stored once for
    a strategy, whatever its layout: `graph_hash` ignores positions, labels and orders.
    """

    # Not a BaseModel: a row that never changes has no `updated_at`.
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    strategy = models.ForeignKey(
        "strategies.Strategy", on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    graph = models.JSONField()
    graph_hash = models.CharField(max_length=64)
    # The graph's own list of parameters with bounds and defaults, for lists without the graph.
    parameters = models.JSONField(default=list)

    class Meta:
        constraints = [
            # also serves the list of a strategy's versions, and the newest of them
            models.UniqueConstraint(fields=["strategy", "number"], name="version_strategy_number"),
            # also serves the look-up of the version that equals a draft
            models.UniqueConstraint(fields=["strategy", "graph_hash"], name="version_graph_hash"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="version_number_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.strategy_id} v{self.number}"
