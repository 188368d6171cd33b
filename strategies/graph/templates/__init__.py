"""Strategies that come with the product: documents to start from.

Adding a template: write its JSON file here, and list it below.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from core.errors import Detail, InvalidInput
from strategies.graph.faults import near, said

TEMPLATES: Final = (
    *("sma_cross", "ema_cross", "rsi", "macd", "buy_and_hold"),
    *("bollinger_reversion", "donchian_breakout", "supertrend", "la_bomba"),
    *("momentum_rotation", "dca", "cash_secured_put"),
)


@dataclass(frozen=True, slots=True)
class Template:
    """A strategy to start from.

    Attributes
    ----------
    name, title, description : str
        What it is called, and what it does in words that a trader understands.
    document : dict
        Its graph, a fresh copy: yours to change.
    aliases : tuple of str
        Other names, such as "SMA".
    """

    name: str
    title: str
    description: str
    document: dict[str, Any]
    aliases: tuple[str, ...] = ()


def template_list() -> tuple[Template, ...]:
    """Return all templates."""
    return tuple(_template(name) for name in TEMPLATES)


def template_get(name: str) -> Template:
    """Return the template of a name or alias, in any case.

    Raises
    ------
    InvalidInput
        If there is none; the message names those there are.
    """
    found = _names().get(_key(name)) if isinstance(name, str) else None
    if found is not None:
        return _template(found)
    message = f"There is no template {said(name)}; there are: {', '.join(TEMPLATES)}."
    message += near(name, _names())
    detail = Detail(
        "template", "unknown_template", message, expected=list(TEMPLATES), received=said(name)
    )
    raise InvalidInput(message, details=[detail])


def _template(name: str) -> Template:
    about = json.loads(_text(name))
    return Template(
        name=about["name"],
        title=about["title"],
        description=about["description"],
        document=about["document"],
        aliases=tuple(about["aliases"]),
    )


@cache
def _text(name: str) -> str:
    return files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8")


@cache
def _names() -> dict[str, str]:
    """Return the template behind each name and alias."""
    return {
        _key(word): template.name
        for template in template_list()
        for word in (template.name, *template.aliases)
    }


def _key(name: str) -> str:
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split())
