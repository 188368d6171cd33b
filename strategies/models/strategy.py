"""A strategy: a name, and the draft of its graph that its owner is working on."""

from __future__ import annotations

from django.db import models

from core.db import OwnedModel

NAME_LENGTH = 100


class Strategy(OwnedModel):
    """What a user draws. Runs and deployments never read the draft: they pin a version."""

    name = models.CharField(max_length=NAME_LENGTH)
    description = models.TextField(blank=True)
    # The canonical document of strategies.graph, layout included; well-formed, perhaps incomplete.
    graph = models.JSONField(default=dict)
    graph_hash = models.CharField(max_length=64)
    # Counts the changes, so that a client can tell whether it still looks at the newest draft.
    revision = models.PositiveIntegerField(default=1)
    # Name of the template that the graph came from; empty for a graph of the user's own.
    template = models.CharField(max_length=50, blank=True)
    # The one that quick backtests of `template` run under; an edit of its graph makes it ordinary.
    quick = models.BooleanField(default=False, editable=False)
    # RESTRICT, not PROTECT: a base and its children may go together, with their owner.
    base_version = models.ForeignKey(
        "strategies.StrategyVersion",
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="children",
    )
    # What it changes of its base, so that it can be put on a newer version of it:
    # {"parameters": {name: default}, "nodes": {id: node}}.
    overrides = models.JSONField(default=dict, blank=True)
    forked_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="forks"
    )
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "strategies"
        constraints = [
            # get-or-create of the strategy of a template, by two requests at once
            models.UniqueConstraint(
                fields=["owner", "template"],
                condition=models.Q(quick=True, archived_at=None),
                name="strategy_quick_template",
            ),
        ]
        indexes = [
            # the owner's list, newest first
            models.Index(fields=["owner", "-created_at"], name="strategy_owner_created"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def archived(self) -> bool:
        """Whether it is hidden from lists, because runs still refer to it."""
        return self.archived_at is not None
