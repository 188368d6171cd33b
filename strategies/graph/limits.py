"""How large a strategy graph may be: enough for any strategy, too little for an attack."""

from __future__ import annotations

from typing import Final

MAX_NODES: Final = 500
MAX_EDGES: Final = 2_000
MAX_DEPTH: Final = 100
"""Nodes on the longest path through the graph."""
MAX_PARAMETERS: Final = 32
MAX_SCOPES: Final = 16
"""Combinations of instrument and time frame that nodes are computed on, the run's included."""
MAX_DOCUMENT_BYTES: Final = 256 * 1024
MAX_NAME_LENGTH: Final = 100
"""Characters in an id, a port, a parameter's name or a label."""
MAX_SHIFT: Final = 100_000
"""Bars that a node may look back by a number of its own."""
MAX_GROUP_DEPTH: Final = 8
"""Groups within groups."""
MAX_GROUP_PORTS: Final = 100
"""Inputs, and outputs, of a group."""
