"""From what a provider sent to a `Download`, the same for every provider."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInput, Permanent
from market.history import History, histories_merge
from market.providers.base import BarRequest, Download, Listing, PagedProvider, Provider
from market.providers.range import history_cut, nothing_in_range
from market.quality.sift import Columns, bars_sift


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """Rows as a provider sent them, oldest first.

    Attributes
    ----------
    ts : ndarray of int64, shape (n,)
        Nanoseconds UTC.
    columns : dict of str to ndarray of float64, shape (n,)
        open, high, low, close, volume.
    factor, split : ndarray of float64, shape (n,), optional
        As in `History`.
    """

    ts: NDArray[np.int64]
    columns: Columns
    factor: NDArray[np.float64] | None = None
    split: NDArray[np.float64] | None = None


def delivery_assemble(
    delivery: Delivery, *, source: str, request: BarRequest, listing: Listing
) -> Download | None:
    """Return the bars of a delivery inside of the request; None where there are none.

    Raises
    ------
    Permanent
        When so many rows cannot be bars that the delivery as a whole cannot be right.
    """
    if not len(delivery.ts):
        return None
    try:
        sifted = bars_sift(delivery.ts, delivery.columns)
        ratios = [
            None if column is None else column[sifted.keep]
            for column in (delivery.factor, delivery.split)
        ]
        history = History.from_bars(sifted.bars, factor=ratios[0], split=ratios[1])
    except InvalidInput as error:
        raise Permanent(
            f"{source} gave bars that cannot be right, nothing was stored: {error.message}",
            code=error.code,
            details=error.details,
        ) from error
    try:
        cut = history_cut(history, request=request, listing=listing)
    except Permanent:
        return None
    return Download(cut, listing, sifted.rejected)


def pages_of(provider: Provider, request: BarRequest) -> Iterator[Download]:
    """Return the bars of a request in the parts that the provider gives them in."""
    if isinstance(provider, PagedProvider):
        yield from provider.pages(request)
    else:
        yield provider.download(request)


def pages_join(pages: Iterable[Download], request: BarRequest) -> Download:
    """Return all parts as one.

    Raises
    ------
    Permanent
        When there are none.
    """
    found = list(pages)
    if not found:
        raise nothing_in_range(request)
    return Download(
        histories_merge([page.history for page in found]),
        found[-1].listing,
        tuple(bar for page in found for bar in page.rejected),
    )
