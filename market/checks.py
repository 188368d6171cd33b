"""Misconfiguration is told at the start, not at the first download."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from market.intervals import INTERVALS
from market.providers.kinds import PROVIDERS, STREAMS


@register()
def providers_check(**_: Any) -> list[CheckMessage]:
    """Import every provider's class."""
    return [fault for name, path in PROVIDERS.items() for fault in [_fault(name, path)] if fault]


@register()
def streams_check(**_: Any) -> list[CheckMessage]:
    """Find every stream's module, without importing it: they are large, and seldom needed."""
    return [
        Error(
            f"The stream {name!r} is not there: {path}.",
            hint="Correct its line in market.providers.kinds.STREAMS; its provider must be there.",
            id="market.E003",
        )
        for name, path in STREAMS.items()
        if name not in PROVIDERS or find_spec(path.rpartition(".")[0]) is None
    ]


def _fault(name: str, path: str) -> Error | None:
    try:
        kind = import_string(path)
    except ImportError as error:
        return Error(
            f"The provider {name!r} cannot be imported from {path}: {error}.",
            hint="Correct its line in market.providers.kinds.PROVIDERS, or install what it needs.",
            id="market.E001",
        )
    # A variant may have others: what a class has of its own must be known.
    unknown = sorted(getattr(kind, "intervals", frozenset()) - INTERVALS.keys())
    if (
        getattr(kind, "name", None) != name
        or unknown
        or not callable(getattr(kind, "download", None))
    ):
        return Error(
            f"{path} is not a provider of the name {name!r}.",
            hint="It needs `name`, `title`, `intervals` and `download` (market.providers.base).",
            id="market.E002",
        )
    return None
