"""Which node type a step of building means, by the words it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strategies.graph.catalogue import node_type_get
from strategies.graph.catalogue.base import NodeType

_TYPE = "type"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a body describes.

    Attributes
    ----------
    type : NodeType
        The type of its node.
    words : tuple of str
        Keys that may hold the name of the node's form; the first that is there does.
    spent : str
        The key that named the type, which is neither a parameter nor a port.
    """

    type: NodeType
    words: tuple[str, ...]
    spent: str = ""


def kind_find(body: Mapping[str, Any], kinds: tuple[str, ...], words: tuple[str, ...]) -> Kind:
    """Return what a body describes.

    Parameters
    ----------
    body : Mapping
        A step: parameters and ports of one node.
    kinds : tuple of str
        Node types whose forms may be named without saying the type; the first is meant where
        nothing else fits.
    words : tuple of str
        Keys that may hold the name of a form, or of a node type.
    """
    named = _named(body.get(_TYPE))
    if named is not None:
        return _of(named, words, _TYPE)
    found = [word for word in words if word in body]
    types = [_known(name) for name in kinds]
    for node_type in types:
        for word in found:
            if _form_named(node_type, body[word]):
                return Kind(node_type, words)
    for word in found:
        named = _named(body[word])
        if named is not None:
            return _of(named, words, word)
    return Kind(types[0], words)


def _of(node_type: NodeType, words: tuple[str, ...], spent: str) -> Kind:
    selector = node_type.selector
    own = () if selector is None else (selector.name, *selector.aliases)
    forms = tuple(word for word in words if word != _TYPE) if own else ()
    return Kind(node_type, tuple(word for word in (*own, *forms) if word != spent), spent)


def _named(value: Any) -> NodeType | None:
    """Return the node type that a value names, in any spelling."""
    if not isinstance(value, str):
        return None
    return node_type_get("_".join(value.strip().lower().replace("-", " ").split()))


def _known(name: str) -> NodeType:
    node_type = node_type_get(name)
    if node_type is None:
        raise ValueError(f"there is no node type {name}")
    return node_type


def _form_named(node_type: NodeType, value: Any) -> bool:
    selector = node_type.selector
    return selector is not None and node_type.form(selector.canonical(value)) is not None
