"""The order in which nodes can be computed, and the cycle where there is none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """Nodes in an order in which each comes after those that feed it.

    Attributes
    ----------
    sorted : tuple of str
        The nodes that can be ordered.
    rest : tuple of str
        Those that cannot, being on a cycle or behind one.
    depth : int
        Nodes on the longest path through the sorted ones.
    """

    sorted: tuple[str, ...]
    rest: tuple[str, ...]
    depth: int


def order_find(ids: Sequence[str], edges: Sequence[tuple[str, str]]) -> Order:
    """Sort nodes topologically (Kahn); equals keep the order of `ids`."""
    followers: dict[str, list[str]] = defaultdict(list)
    missing = dict.fromkeys(ids, 0)
    for source, target in edges:
        followers[source].append(target)
        missing[target] += 1
    ready = [node_id for node_id in ids if not missing[node_id]]
    depth = dict.fromkeys(ready, 1)
    # `ready` grows while it is walked and ends up as the order itself. Nodes join it by depth, so
    # the last feeder of a node is its deepest one.
    for node_id in ready:
        for follower in followers[node_id]:
            missing[follower] -= 1
            depth[follower] = depth[node_id] + 1
            if not missing[follower]:
                ready.append(follower)
    rest = tuple(node_id for node_id in ids if missing[node_id])
    deepest = max((depth[node_id] for node_id in ready), default=0)
    return Order(tuple(ready), rest, deepest)


def cycles_find(rest: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return cycles among the nodes that could not be ordered, no two of which share a node.

    Every node left over has a feeder that is left over too, so walking backwards from any of them
    must come back to a node seen before: that is a cycle.
    """
    left = set(rest)
    feeder: dict[str, str] = {}
    for source, target in edges:
        if source in left and target in left:
            feeder.setdefault(target, source)
    found: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for start in rest:
        path: list[str] = []
        place: dict[str, int] = {}
        at = start
        while at not in seen:
            seen.add(at)
            place[at] = len(path)
            path.append(at)
            at = feeder[at]
        if at in place:
            found.append(tuple(reversed(path[place[at] :])))
    return found
