"""OpenAPI of what is a document rather than a form: graphs, and the steps that build one."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": True}

PARAMETER: dict[str, Any] = {
    "type": "object",
    "required": ["name", "type", "default"],
    "properties": {
        "name": TEXT,
        "type": {"type": "string", "enum": ["int", "float", "choice", "bool"]},
        "default": {},
        "min": {"type": "number"},
        "max": {"type": "number"},
        "step": {"type": "number"},
        "choices": {"type": "array", "items": {}},
        "title": TEXT,
        "description": TEXT,
    },
}
NODE: dict[str, Any] = {
    "type": "object",
    "required": ["id", "type"],
    "properties": {
        "id": TEXT,
        "type": {"type": "string", "description": "A type of `GET nodes`."},
        "params": {
            "type": "object",
            "additionalProperties": True,
            "description": 'Values, or `{"$param": name}` to refer to a parameter.',
        },
        "position": {
            "type": "object",
            "properties": {"x": {"type": "number"}, "y": {"type": "number"}},
        },
        "data": OBJECT,
    },
}
EDGE: dict[str, Any] = {
    "type": "object",
    "required": ["source", "target"],
    "properties": {
        "id": TEXT,
        "source": {"type": "string", "description": "Id of a node."},
        "source_port": {"type": "string", "description": "Its first output if it is not given."},
        "target": {"type": "string", "description": "Id of a node."},
        "target_port": TEXT,
    },
}
NODES: dict[str, Any] = {"type": "array", "items": NODE}
EDGES: dict[str, Any] = {"type": "array", "items": EDGE}
PARAMETERS: dict[str, Any] = {"type": "array", "items": PARAMETER}
PARAMETER_VALUES: dict[str, Any] = {
    **OBJECT,
    "description": "Defaults by the names of parameters.",
}
PARAMETERS_OR_VALUES: dict[str, Any] = {"oneOf": [PARAMETER_VALUES, PARAMETERS]}
REPLACEMENTS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": TEXT, "params": OBJECT},
    },
}
OVERRIDES: dict[str, Any] = {
    "type": "object",
    "required": ["parameters", "nodes"],
    "properties": {"parameters": PARAMETER_VALUES, "nodes": REPLACEMENTS},
    "description": "What it changes of its base.",
}
GRAPH: dict[str, Any] = {
    "type": "object",
    "description": "A strategy graph. React Flow's spelling (`connections`, `sourceHandle`, "
    "`targetHandle`, `data.params`) is read too; this one is stored and returned.",
    "properties": {
        "schema_version": {"type": "integer", "enum": [1]},
        "parameters": PARAMETERS,
        "nodes": NODES,
        "edges": EDGES,
        "settings": OBJECT,
    },
}
FAULTS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["path", "code", "message", "expected", "received"],
        "properties": {
            "path": TEXT,
            "code": TEXT,
            "message": TEXT,
            "node_id": TEXT,
            "expected": {},
            "received": {},
        },
    },
}
NODE_OR_NUMBER: dict[str, Any] = {
    "oneOf": [TEXT, {"type": "number"}],
    "description": "Id of a node, a price field, or a number.",
}
INDICATOR_STEP: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "An indicator of `GET indicators`."},
        "params": OBJECT,
        "source": {"type": "string", "description": "A price field or the id of a node."},
    },
    "additionalProperties": True,
}
CONDITION_STEP: dict[str, Any] = {
    "type": "object",
    "required": ["operator", "left"],
    "properties": {"operator": TEXT, "left": NODE_OR_NUMBER, "right": NODE_OR_NUMBER},
    "additionalProperties": True,
}
ACTION_STEP: dict[str, Any] = {
    "type": "object",
    "properties": {
        "operation": {"type": "string", "description": "buy, sell, short, cover, close, ..."},
        "when": {"type": "string", "description": "Id of a condition."},
    },
    "additionalProperties": True,
}
