"""The node catalogue: one class a type, one line each here.

Adding a node type: write its class in a module of its own, and list it below.
"""

from __future__ import annotations

from typing import Any, Final

from strategies.graph.catalogue.action import ActionNode
from strategies.graph.catalogue.bars_since import BarsSinceNode
from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.condition import ConditionNode
from strategies.graph.catalogue.constant import ConstantNode
from strategies.graph.catalogue.entry import EntryNode
from strategies.graph.catalogue.exit import ExitNode
from strategies.graph.catalogue.group import GroupNode
from strategies.graph.catalogue.hold import HoldNode
from strategies.graph.catalogue.indicator import IndicatorNode
from strategies.graph.catalogue.logic import LogicNode
from strategies.graph.catalogue.loop import LoopNode
from strategies.graph.catalogue.math import MathNode
from strategies.graph.catalogue.position import PositionNode
from strategies.graph.catalogue.price import PriceNode
from strategies.graph.catalogue.rank import RankNode
from strategies.graph.catalogue.recent import RecentNode
from strategies.graph.catalogue.sequence import SequenceNode
from strategies.graph.catalogue.time import TimeNode
from strategies.graph.catalogue.wait import WaitNode

NODE_TYPES: Final[tuple[NodeType, ...]] = (
    PriceNode(),
    ConstantNode(),
    TimeNode(),
    PositionNode(),
    IndicatorNode(),
    MathNode(),
    ConditionNode(),
    LogicNode(),
    SequenceNode(),
    HoldNode(),
    RecentNode(),
    BarsSinceNode(),
    EntryNode(),
    ExitNode(),
    ActionNode(),
    LoopNode(),
    WaitNode(),
    RankNode(),
    GroupNode(),
)

_BY_NAME: Final = {node_type.name: node_type for node_type in NODE_TYPES}


def node_type_get(name: Any) -> NodeType | None:
    """Return the node type of that name, if there is one."""
    return _BY_NAME.get(name) if isinstance(name, str) else None


def node_type_names() -> tuple[str, ...]:
    """Return the names of all node types."""
    return tuple(_BY_NAME)


def node_catalogue() -> list[dict[str, Any]]:
    """Return the catalogue as data, JSON-able: what `GET nodes` serves and a palette is made of.

    Each entry has `type`, `title`, `category`, `description`, `selector` (the parameter that
    chooses the form, or None), `parameters`, `inputs`, `outputs` and `forms`; where the type has
    forms, each of these lists the parameters and ports that it really has.
    """
    return [node_type.describe() for node_type in NODE_TYPES]
