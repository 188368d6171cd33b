"""How an order of a deployment says what it is for: in the intent's own key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from brokers.deployments.wanted import Role

LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class Purpose:
    """What an order is for: the rule that wanted it, and its role."""

    rule: int
    role: Role


def node_name(source: str, rule: int, role: Role) -> str:
    """Return the name of an order: the graph's node, the rule, the role."""
    return f"{source[:LONGEST]}#{rule}:{role.value}"


def purpose_of(node: str) -> Purpose:
    """Return what an order with this name is for."""
    rule, _, role = node.rpartition("#")[2].partition(":")
    return Purpose(int(rule), Role(role))
