"""Scopes: whose bars, and of what length, a series is computed on."""

from __future__ import annotations

from typing import Final, NamedTuple


class Scope(NamedTuple):
    """An instrument and a time frame; a tuple, for every node of a graph looks scopes up.

    Attributes
    ----------
    symbol : str or None
        In upper case; the run's own instrument if None.
    timeframe : str or None
        In its one spelling; the run's own interval if None.
    """

    symbol: str | None = None
    timeframe: str | None = None

    def __str__(self) -> str:
        return " ".join(word for word in (self.symbol, self.timeframe) if word)


RUN: Final = Scope()
"""The bars of the run itself."""
