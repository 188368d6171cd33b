"""Whom to ask for the prices of which symbols."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from market.keys import credentials_shared
from market.models import BarSeries
from market.providers.base import NOBODY, KeyedProvider
from market.providers.kinds import provider_get

# The provider to ask where a symbol has bars of several: the first of these that can be asked.
QUOTED: Final = ("ccxt", "alpaca", "yfinance")


@dataclass(frozen=True, slots=True)
class QuoteSource:
    """A provider that knows the prices of symbols.

    Attributes
    ----------
    provider : str
        With its variant.
    symbols : tuple of str
    credentials : mapping of str to str
        Of a member of staff, for everybody sees what they bring; empty where none are needed.
    """

    provider: str
    symbols: tuple[str, ...]
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


def quote_sources(symbols: Iterable[str]) -> list[QuoteSource]:
    """Return which provider to ask for which symbols: one that their shared bars are from.

    A provider that wants credentials is passed over where no member of staff stored any.
    """
    wanted = list(symbols)
    told = BarSeries.objects.filter(
        instrument__symbol__in=wanted, instrument__owner=None, owner=None
    ).values_list("instrument__symbol", "provider")
    known = defaultdict(set)
    for symbol, provider in told:
        if provider.partition(":")[0] in QUOTED:
            known[symbol].add(provider)
    credentials = {name: _credentials(name) for name in sorted(set().union(*known.values()))}
    found = defaultdict(list)
    for symbol in wanted:
        usable = [name for name in known[symbol] if credentials[name] is not None]
        if usable:
            best = min(usable, key=lambda name: (QUOTED.index(name.partition(":")[0]), name))
            found[best].append(symbol)
    return [
        QuoteSource(name, tuple(found[name]), credentials[name] or NOBODY) for name in sorted(found)
    ]


def _credentials(provider: str) -> Mapping[str, str] | None:
    """Return what a provider is asked with; None where something is missing."""
    source = provider_get(provider)
    if not isinstance(source, KeyedProvider):
        return NOBODY
    stored = credentials_shared(provider=provider)
    return stored if all(stored.get(name) for name in source.credential_fields) else None
