"""How an order of a deployment says what it is for: in the intent's own key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from brokers.deployments.wanted import Role

LONGEST: Final = 80
# Orders that close an option position say which one.
LONGEST_OF_LEGS: Final = 60


@dataclass(frozen=True, slots=True)
class Purpose:
    """What an order is for: the rule that wanted it, its role, and of options its position."""

    rule: int
    role: Role
    position_s: int = 0


def node_name(source: str, rule: int, role: Role) -> str:
    """Return the name of an order: the graph's node, the rule, the role."""
    return f"{source[:LONGEST]}#{rule}:{role.value}"


def leg_name(source: str, rule: int, role: Role, position_ts: int) -> str:
    """Return the name of an order of an option position: with the bar it was decided on."""
    return f"{source[:LONGEST_OF_LEGS]}#{rule}:{role.value}@{position_ts // 10**9}"


def purpose_of(node: str) -> Purpose:
    """Return what an order with this name is for."""
    rule, _, role = node.rpartition("#")[2].partition(":")
    role, _, position = role.partition("@")
    return Purpose(int(rule), Role(role), int(position or 0))
