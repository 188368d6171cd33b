"""The kind table: adding a broker is a module and a line here."""

from __future__ import annotations

from functools import cache

from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from brokers.adapters.base import Adapter

KINDS: dict[str, str] = {
    "paper": "brokers.adapters.paper.PaperBroker",
}


def kind_choices() -> list[tuple[str, str]]:
    """Return the kinds for forms and serializers."""
    return [(kind, kind.replace("_", " ")) for kind in KINDS]


@cache
def adapter_of(kind: str) -> Adapter:
    """Return the adapter of a kind."""
    adapter: Adapter = import_string(KINDS[kind])()
    return adapter


@register
def kinds_importable(**_: object) -> list[CheckMessage]:
    """Refuse to start with a kind whose module is missing or broken."""
    faults: list[CheckMessage] = []
    for kind, path in KINDS.items():
        try:
            import_string(path)
        except ImportError as error:
            faults.append(
                Error(
                    f"Broker kind {kind!r} cannot be imported: {error}",
                    hint=f"KINDS names {path}: is the module there, is its library installed?",
                    id="brokers.E001",
                )
            )
    return faults
