"""What every source of bars offers, and the words it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Protocol, runtime_checkable

from core.errors import Detail, InvalidInput
from market.choices import AssetClass
from market.history import History
from market.intervals import INTERVALS, Interval
from market.quality.sift import RejectedBar

# Credentials where none are needed or stored.
NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class BarRequest:
    """What to download.

    Attributes
    ----------
    symbol : str
        Upper case.
    interval : Interval
        One of the provider's.
    start, end : date or None
        Sessions, both included; None means as far as the provider goes.
    now : datetime
        Aware; bars that are not over by then are left out.
    credentials : mapping of str to str
        What the provider's `credential_fields` name; empty where nobody stored any.
    """

    symbol: str
    interval: Interval
    start: date | None
    end: date | None
    now: datetime
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a provider knows of an instrument; the first one to tell is believed."""

    symbol: str
    name: str = ""
    asset_class: AssetClass = AssetClass.EQUITY
    exchange: str = ""
    calendar: str = "XNYS"
    timezone: str = "America/New_York"
    currency: str = "USD"
    tick_size: Decimal = Decimal("0.01")
    lot_size: Decimal = Decimal(1)
    periods_per_year: float = 252.0


@dataclass(frozen=True, slots=True)
class Download:
    """What came back: one bar or more, all of them over, none outside of the request.

    `rejected` are the rows that cannot be bars; they are kept apart, with their reasons.
    """

    history: History
    listing: Listing
    rejected: tuple[RejectedBar, ...] = ()


class Provider(Protocol):
    """A source of bars. It holds no state between downloads and touches no database.

    A provider whose name may be followed by a variant (``"ccxt:kraken"``) takes it as the one
    argument of its class.

    `download` raises

    - `InvalidInput` where the request is at fault (an interval it has not),
    - `Permanent` where trying again cannot help (unknown symbol, bars that break the rules),
    - `Transient` where it may (no network, a rate limit, a broken reply),

    each with one sentence that says why in plain words.
    """

    @property
    def name(self) -> str:
        """As in the kind table, without a variant."""

    @property
    def title(self) -> str:
        """For people."""

    @property
    def intervals(self) -> frozenset[str]:
        """The lengths of bars it has."""

    def download(self, request: BarRequest) -> Download:
        """Return the bars of a request."""


@runtime_checkable
class PagedProvider(Provider, Protocol):
    """A provider that gives long requests in parts, so that what came is kept if the next fails."""

    def pages(self, request: BarRequest) -> Iterator[Download]:
        """Return the bars in parts, the oldest first; each part follows the one before."""


@runtime_checkable
class KeyedProvider(Provider, Protocol):
    """A provider that wants to know who asks."""

    @property
    def credential_fields(self) -> tuple[str, ...]:
        """Names of what it needs: ``("key_id", "secret")``."""


@dataclass(frozen=True, slots=True)
class LastTrade:
    """The latest price of an instrument (a decimal as text), and when it was traded (UTC)."""

    price: str
    traded_at: datetime


@runtime_checkable
class QuotedProvider(Provider, Protocol):
    """A provider that knows the latest prices."""

    def quotes(
        self, symbols: Sequence[str], *, credentials: Mapping[str, str] = NOBODY
    ) -> dict[str, LastTrade]:
        """Return the latest price of each symbol that there is one of; raises as `download`."""


def credentials_check(provider: KeyedProvider, request: BarRequest) -> None:
    """Raise InvalidInput where credentials are missing; the message says how to store them."""
    missing = [name for name in provider.credential_fields if not request.credentials.get(name)]
    if not missing:
        return
    raise InvalidInput(
        f"{provider.title} needs {' and '.join(missing)}: store them with PUT "
        f"/api/v1/provider-keys/{provider.name}.",
        code="credentials_missing",
        details=[
            Detail(
                path="provider",
                code="credentials_missing",
                message=f"No {name} of {provider.name} is stored.",
                expected=list(provider.credential_fields),
            )
            for name in missing
        ],
    )


def interval_check(provider: Provider, interval: Interval) -> None:
    """Raise InvalidInput where the provider has no bars of this interval."""
    if interval in provider.intervals:
        return
    offered = [name for name in INTERVALS if name in provider.intervals]
    message = f"{provider.name} has no {interval} bars: use one of {', '.join(offered)}."
    raise InvalidInput(
        message,
        code="interval_not_offered",
        details=[
            Detail(
                path="interval",
                code="interval_not_offered",
                message=message,
                expected=offered,
                received=interval.name,
            )
        ],
    )


# What an instrument is like of which nobody told anything but its class.
USUAL = {
    AssetClass.EQUITY: Listing(""),
    AssetClass.OPTION: Listing("", asset_class=AssetClass.OPTION),
    AssetClass.FOREX: Listing(
        "",
        asset_class=AssetClass.FOREX,
        calendar="24/5",
        timezone="UTC",
        tick_size=Decimal("0.00001"),
        periods_per_year=260.0,
    ),
    AssetClass.CRYPTO: Listing(
        "",
        asset_class=AssetClass.CRYPTO,
        calendar="24/7",
        timezone="UTC",
        tick_size=Decimal("0.00000001"),
        lot_size=Decimal("0.00000001"),
        periods_per_year=365.0,
    ),
}
