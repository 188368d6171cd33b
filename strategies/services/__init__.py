"""Everything that changes a strategy. Callers import from here."""

from __future__ import annotations

from strategies.services.steps import Step, node_delete, step_add
from strategies.services.strategy import (
    strategy_create,
    strategy_delete,
    strategy_fork,
    strategy_update,
)
from strategies.services.version import version_pin, version_publish

__all__ = [
    "Step",
    "node_delete",
    "step_add",
    "strategy_create",
    "strategy_delete",
    "strategy_fork",
    "strategy_update",
    "version_pin",
    "version_publish",
]
