"""The instruments of a portfolio: their bars, and what the strategy may see besides them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import numpy as np
import orjson
from numpy.typing import NDArray

from core.backtests.corporate import actions_of, split_warnings
from core.backtests.detail import Detailed
from core.backtests.portfolio import Instrument
from core.backtests.surroundings import surroundings_read
from core.engine.allocation import INSTRUMENTS_AT_MOST
from core.errors import Detail, InvalidInput
from market.calendars import periods_per_year, session_ids
from market.store import StoredBars, bars_read
from strategies.graph.plan import Plan

NAMED_AT_MOST: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """What a portfolio runs on.

    Attributes
    ----------
    stored : tuple of StoredBars
        In the order of the symbols.
    instruments : tuple of Instrument
        The same for the simulation.
    snapshots : dict of str to str
        Hash of the bars of each instrument, and of each other one that the strategy reads.
    warnings : tuple of dict
        `{"code", "message", "node_id"}`.
    """

    stored: tuple[StoredBars, ...]
    instruments: tuple[Instrument, ...]
    snapshots: Mapping[str, str]
    warnings: tuple[dict[str, Any], ...]

    @property
    def snapshot(self) -> str:
        """One hash for all bars."""
        return sha256(orjson.dumps(dict(self.snapshots), option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def pins(self) -> tuple[str, dict[str, str]]:
        """What pins the bars: the hash of a run's own, and those of the others by symbol.

        A portfolio has one hash for all, and among the others each of its own.
        """
        if len(self.stored) > 1:
            return self.snapshot, dict(self.snapshots)
        own = self.stored[0].instrument.symbol
        others = {name: one for name, one in self.snapshots.items() if name != own}
        return self.stored[0].snapshot, others

    def detailed(self, found: Sequence[Detailed]) -> Listing:
        """Return the same instruments with their finer bars, which are in their order."""
        instruments = tuple(
            replace(one, detail=inside.detail)
            for one, inside in zip(self.instruments, found, strict=True)
        )
        return replace(self, instruments=instruments)

    @property
    def periods_per_year(self) -> float:
        """Bars a year of the busiest instrument, whose times the account has."""
        return max(periods_per_year(one.instrument, one.interval) for one in self.stored)

    def sessions_of(self, ts: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return the session of each time where all instruments have one calendar, else None."""
        first = self.stored[0]
        calendars = {(one.instrument.calendar, one.instrument.timezone) for one in self.stored}
        if len(calendars) > 1:
            return None
        calendar, timezone = first.instrument.calendar, first.instrument.timezone
        return session_ids(ts, timezone=timezone, interval=first.interval, calendar=calendar)


def listing_read(
    *,
    stored: Sequence[StoredBars],
    plan: Plan,
    end: date | datetime,
    owner_id: UUID | None,
    snapshots: Mapping[str, str] | None = None,
) -> Listing:
    """Return instruments from `instruments_read` with all that the strategy reads besides them.

    Parameters
    ----------
    stored : sequence of StoredBars
    plan, end, owner_id, snapshots
        As `surroundings_read` takes them.
    """
    instruments = []
    hashes: dict[str, str] = {}
    warnings: list[dict[str, Any]] = []
    for one in stored:
        around = surroundings_read(
            plan=plan, stored=one, end=end, owner_id=owner_id, snapshots=snapshots
        )
        instrument = one.instrument
        ids = session_ids(
            one.bars.ts,
            timezone=instrument.timezone,
            interval=one.interval,
            calendar=instrument.calendar,
        )
        actions = actions_of(one)
        instruments.append(Instrument(instrument.symbol, one.bars, around.context, ids, actions))
        warnings.extend(split_warnings(instrument.symbol, one.bars.ts, actions))
        hashes |= {**around.snapshots, instrument.symbol: one.snapshot}
        warnings.extend(told for told in around.warnings if told not in warnings)
    return Listing(tuple(stored), tuple(instruments), hashes, tuple(warnings))


def instruments_read(
    *,
    symbols: Sequence[str],
    interval: str,
    start: date | datetime,
    end: date | datetime,
    owner_id: UUID | None,
    snapshots: Mapping[str, str] | None = None,
    adjustment: str | None = None,
) -> list[StoredBars]:
    """Read the bars of instruments as `market.store.bars_read` does of one, each once, in order.

    Raises
    ------
    InvalidInput
        With a detail for each instrument without bars in the range.
    """
    kept = snapshots or {}
    if len(symbols) > INSTRUMENTS_AT_MOST:
        message = f"A portfolio has {INSTRUMENTS_AT_MOST} instruments at most, not {len(symbols)}."
        detail = Detail("symbols", "too_many", message, INSTRUMENTS_AT_MOST, len(symbols))
        raise InvalidInput(message, details=[detail])
    found: dict[str, StoredBars] = {}
    faults = []
    for place, symbol in enumerate(symbols):
        try:
            one = bars_read(
                symbol=symbol,
                interval=interval,
                start=start,
                end=end,
                adjustment=adjustment,
                owner_id=owner_id,
                snapshot=kept.get(symbol),
            )
        except InvalidInput as error:
            if len(symbols) == 1:
                raise
            path = f"symbols[{place}]"
            faults.append(Detail(path, error.code, error.message, received=symbol))
        else:
            found[one.instrument.symbol] = one
    if faults:
        told = " ".join(one.message for one in faults[:NAMED_AT_MOST])
        more = len(faults) - NAMED_AT_MOST
        rest = f" And {more} more: see details." if more > 0 else ""
        raise InvalidInput(told + rest, code=faults[0].code, details=faults)
    return [found[symbol] for symbol in sorted(found)]
