"""Reading the catalogue: what there is, and what it last cost."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import (
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    prefetch_related_objects,
)

from core.errors import Detail, InvalidInput, NotFound
from market.contracts import contract_instrument, contract_terms
from market.intervals import interval_get
from market.models import BarSeries, Fetch, Import, Instrument, ProviderKey, Universe, Watch

NEAR_MATCHES = 5


@dataclass(frozen=True, slots=True)
class LatestPrice:
    """The last price there is of an instrument.

    Attributes
    ----------
    symbol : str
    price : Decimal
        Raw close of the last stored bar.
    ts : datetime
        When that bar opened (UTC).
    interval : str
        Length of that bar.
    provider : str
        Where the bar is from; "model" where the price is a model's (`market.contract_prices`), of
        the underlying's bar.
    """

    symbol: str
    price: Decimal
    ts: datetime
    interval: str
    provider: str = ""


def visible(owner_id: UUID | None) -> Q:
    """Return the filter of rows that a user may see: shared ones, and their own."""
    shared = Q(owner__isnull=True)
    return shared if owner_id is None else shared | Q(owner_id=owner_id)


def instrument_list(*, owner_id: UUID | None = None) -> QuerySet[Instrument]:
    """Return the instruments a user may see."""
    return Instrument.objects.filter(visible(owner_id))


def instrument_get(symbol: str, *, owner_id: UUID | None = None) -> Instrument:
    """Return the instrument of a symbol: the user's own, else the shared one.

    A symbol of an option contract needs no row: it is derived from that of its underlying, and is
    not saved.

    Raises
    ------
    InvalidInput
        When there is none; the message names the nearest symbols and how to get it.
    """
    written = symbol.strip().upper()
    found = (
        instrument_list(owner_id=owner_id)
        .filter(symbol=written)
        .order_by(F("owner").asc(nulls_last=True))
        .first()
    )
    if found is not None:
        return found
    terms = contract_terms(written)
    if terms is None:
        raise unknown_symbol(symbol, owner_id=owner_id)
    return contract_instrument(terms, instrument_get(terms.underlying, owner_id=owner_id))


def unknown_symbol(symbol: str, *, owner_id: UUID | None = None) -> InvalidInput:
    """Return the error for a symbol that nobody knows."""
    symbols = list(instrument_list(owner_id=owner_id).values_list("symbol", flat=True).distinct())
    near = difflib.get_close_matches(symbol.strip().upper(), symbols, n=NEAR_MATCHES, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "GET /api/v1/instruments lists them."
    message = (
        f"{symbol!r} is not a known symbol: {hint} "
        "POST /api/v1/fetches downloads its bars, POST /api/v1/imports takes them as CSV."
    )
    return InvalidInput(
        message,
        code="unknown_symbol",
        details=[
            Detail(
                path="symbol",
                code="unknown_symbol",
                message=message,
                expected=near or None,
                received=symbol,
            )
        ],
    )


def series_list(*, owner_id: UUID | None = None) -> QuerySet[BarSeries]:
    """Return the series a user may see, each with its instrument."""
    return BarSeries.objects.filter(visible(owner_id)).select_related("instrument")


def price_latest(symbol: str, *, owner_id: UUID | None = None) -> LatestPrice:
    """Return the close of the last stored bar of a symbol, whatever its interval.

    Of bars that opened at the same time the one with the shortest interval is older news, so the
    longest wins: a daily bar's close is later than that of the day's first minute.

    Raises
    ------
    InvalidInput
        When the symbol is unknown or has no bars.
    """
    return instrument_price(instrument_get(symbol, owner_id=owner_id), owner_id=owner_id)


def instrument_price(instrument: Instrument, *, owner_id: UUID | None = None) -> LatestPrice:
    """Return what `price_latest` does, of an instrument that is known.

    Raises
    ------
    InvalidInput
        When it has no bars.
    """
    latest = price_of(series_list(owner_id=owner_id).filter(instrument__symbol=instrument.symbol))
    if latest is None:
        raise no_bars(instrument.symbol)
    return latest


def no_bars(symbol: str) -> InvalidInput:
    """Return the error for a symbol of which nothing is stored."""
    return InvalidInput(
        f"{symbol} has no bars yet: POST /api/v1/fetches downloads some.", code="no_bars"
    )


def price_of(series: Iterable[BarSeries]) -> LatestPrice | None:
    """Return the close of the bar that closed last in any of an instrument's series."""
    last = max(series, key=_closing, default=None)
    if last is None:
        return None
    return LatestPrice(
        symbol=last.instrument.symbol,
        price=Decimal(repr(last.last_close)),
        ts=last.last_ts,
        interval=last.interval,
        provider=last.provider,
    )


def market_list(*, owner_id: UUID | None) -> QuerySet[Instrument]:
    """Return the instruments that have bars, with these as `visible_series`: two queries."""
    mine = series_list(owner_id=owner_id)
    return (
        instrument_list(owner_id=owner_id)
        .filter(Exists(mine.filter(instrument=OuterRef("pk")).order_by()))
        .prefetch_related(
            Prefetch("series", queryset=mine.order_by("interval"), to_attr="visible_series")
        )
    )


def market_get(symbol: str, *, owner_id: UUID | None) -> Instrument:
    """Return an instrument with its bars as `visible_series`, whether it has any or not.

    Raises
    ------
    NotFound
        When nobody knows the symbol.
    """
    try:
        instrument = instrument_get(symbol, owner_id=owner_id)
    except InvalidInput as error:
        raise NotFound(error.message, code=error.code, details=error.details) from error
    prefetch_related_objects(
        [instrument],
        Prefetch(
            "series",
            queryset=series_list(owner_id=owner_id).order_by("interval"),
            to_attr="visible_series",
        ),
    )
    return instrument


def _closing(series: BarSeries) -> datetime:
    return series.last_ts + timedelta(seconds=interval_get(series.interval).seconds)


def fetch_list(*, owner_id: UUID) -> QuerySet[Fetch]:
    """Return a user's downloads."""
    return Fetch.objects.filter(owner_id=owner_id).select_related("series__instrument")


def fetch_get(*, owner_id: UUID, fetch_id: UUID | str) -> Fetch:
    """Return one of a user's downloads."""
    found = fetch_list(owner_id=owner_id).filter(id=fetch_id).first()
    if found is None:
        raise NotFound(f"There is no fetch {fetch_id}.")
    return found


def import_list(*, owner_id: UUID) -> QuerySet[Import]:
    """Return a user's imports that a worker does or did."""
    return Import.objects.filter(owner_id=owner_id).select_related("series__instrument")


def import_get(*, owner_id: UUID, import_id: UUID | str) -> Import:
    """Return one of a user's imports."""
    found = import_list(owner_id=owner_id).filter(id=import_id).first()
    if found is None:
        raise NotFound(f"There is no import {import_id}.")
    return found


def watch_list(*, owner_id: UUID) -> QuerySet[Watch]:
    """Return the series that a user keeps up to date."""
    return Watch.objects.filter(owner_id=owner_id).select_related("fetch__series__instrument")


def watch_get(*, owner_id: UUID, watch_id: UUID | str) -> Watch:
    """Return one of a user's watches."""
    found = watch_list(owner_id=owner_id).filter(id=watch_id).first()
    if found is None:
        raise NotFound(f"There is no watch {watch_id}.")
    return found


def key_list(*, owner_id: UUID) -> QuerySet[ProviderKey]:
    """Return at which providers a user has stored credentials."""
    return ProviderKey.objects.filter(owner_id=owner_id).defer("sealed").order_by("provider")


def universe_list(*, owner_id: UUID | None = None) -> QuerySet[Universe]:
    """Return the lists of symbols a user may see."""
    return Universe.objects.filter(visible(owner_id))


def universe_get(name: str, *, owner_id: UUID | None = None) -> Universe:
    """Return a list of symbols by its name: the user's own, else the shared one.

    Raises
    ------
    NotFound
        When there is none; the message names those there are.
    """
    found = (
        universe_list(owner_id=owner_id)
        .filter(name=name.strip().lower())
        .order_by(F("owner").asc(nulls_last=True))
        .first()
    )
    if found is None:
        names = universe_list(owner_id=owner_id).values_list("name", flat=True).distinct()
        there = ", ".join(sorted(names)[:20]) or "none yet"
        raise NotFound(
            f"There is no universe {name!r}: there are {there}.", code="unknown_universe"
        )
    return found


def universe_symbols(*, owner_id: UUID | None, name_or_id: str | UUID) -> list[str]:
    """Return the symbols of a list that a user may see, in its order.

    Parameters
    ----------
    owner_id : UUID or None
        Whose lists count beside the shared ones.
    name_or_id : str or UUID
        A name, in any case (one's own list hides a shared one), or an id.

    Raises
    ------
    NotFound
        When there is none, or it is somebody else's.
    """
    identifier = _uuid_of(name_or_id)
    if identifier is None:
        return list(universe_get(str(name_or_id), owner_id=owner_id).symbols)
    found = universe_list(owner_id=owner_id).filter(id=identifier).first()
    if found is None:
        raise NotFound(f"There is no universe {name_or_id}.", code="unknown_universe")
    return list(found.symbols)


def _uuid_of(text: str | UUID) -> UUID | None:
    """Return an id; None for what is a name."""
    try:
        return text if isinstance(text, UUID) else UUID(text)
    except ValueError:
        return None


def universe_own(*, owner_id: UUID, name: str) -> Universe:
    """Return a user's own list; a shared one is not theirs to change."""
    found = Universe.objects.filter(owner_id=owner_id, name=name.strip().lower()).first()
    if found is None:
        raise NotFound(f"You have no universe {name!r}.", code="unknown_universe")
    return found
