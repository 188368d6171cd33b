"""What a strategy may see besides its own bars: the sessions, and other instruments' bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np

from core.backtests.plans import warmup_bars
from core.backtests.times import iso_time
from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from core.sessions.sessions import Sessions
from core.sessions.timeframe import NS_PER_DAY
from market.calendars import periods_per_year, sessions_for
from market.store import StoredBars, bars_read
from strategies.graph.context import Context
from strategies.graph.plan import Plan

# Markets differ in their holidays, and a halt is no end.
LONGEST_PAUSE_NS: Final = 14 * NS_PER_DAY


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """The context of a run, and what it rests on.

    Attributes
    ----------
    context : Context
    snapshots : Mapping
        Hash of the bars of each other instrument, by symbol.
    warnings : tuple of dict
        `{"code", "message", "node_id"}` of instruments whose bars do not reach over the run's.
    """

    context: Context
    snapshots: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[dict[str, Any], ...] = ()


def surroundings_read(
    *,
    plan: Plan,
    stored: StoredBars,
    end: date | datetime | None,
    owner_id: UUID | None,
    snapshots: Mapping[str, str] | None = None,
) -> Surroundings:
    """Read what a plan needs besides the bars of its run.

    Parameters
    ----------
    plan : Plan
    stored : StoredBars
        The bars of the run.
    end : date or datetime, optional
        Of the run, as it was asked for.
    owner_id : UUID, optional
        Whose private bars may be read.
    snapshots : Mapping, optional
        Read the bars as they were when they had these hashes.

    Raises
    ------
    InvalidInput
        When there are no bars of an instrument that the strategy reads; the message says what to
        download.
    """
    symbol = stored.instrument.symbol.upper()
    before = warmup_bars(plan, str(stored.interval))
    others, sessions, hashes = {}, {}, {}
    warnings: list[dict[str, Any]] = []
    for name in plan.symbols:
        if name == symbol:
            continue
        other = _other_read(name, stored, end, owner_id, (snapshots or {}).get(name))
        bars = bars_from(other.bars, first_ts=int(stored.bars.ts[0]), before=before)
        others[name], hashes[name] = bars, other.snapshot
        sessions[name] = sessions_of(other, bars)
        warnings.extend(_reach_warnings(name, bars, stored.bars))
    context = Context(
        interval=str(stored.interval),
        sessions=sessions_of(stored, stored.bars),
        symbol=symbol,
        others=others,
        other_sessions=sessions,
        periods_per_year=periods_per_year(stored.instrument, stored.interval),
    )
    return Surroundings(context, hashes, tuple(warnings))


def sessions_of(stored: StoredBars, bars: Bars) -> Sessions:
    """Return the sessions around bars of an instrument."""
    first, last = int(bars.ts[0]), int(bars.ts[-1])
    return sessions_for(stored.instrument, first_ts=first, last_ts=last)


def bars_from(bars: Bars, *, first_ts: int, before: int) -> Bars:
    """Return the bars from a moment on, and so many before it, for what warms up on them."""
    start = int(np.searchsorted(bars.ts, first_ts, side="left"))
    return bars.slice(max(0, start - before), len(bars))


def _other_read(
    name: str,
    stored: StoredBars,
    end: date | datetime | None,
    owner_id: UUID | None,
    snapshot: str | None,
) -> StoredBars:
    try:
        return bars_read(
            symbol=name,
            interval=stored.interval,
            end=end,
            adjustment=stored.adjustment,
            owner_id=owner_id,
            snapshot=snapshot,
        )
    except InvalidInput as error:
        message = (
            f"The strategy reads {name}, of which there are no {stored.interval} bars up to "
            f"{end or 'the end'}: {error.message}"
        )
        wanted = {"symbol": name, "interval": str(stored.interval)}
        detail = Detail(f"graph.symbols.{name}", error.code, message, wanted, None)
        raise InvalidInput(message, code=error.code, details=[detail]) from error


def _reach_warnings(name: str, bars: Bars, own: Bars) -> list[dict[str, Any]]:
    late = bars.ts[0] - own.ts[0] > LONGEST_PAUSE_NS
    early = own.ts[-1] - bars.ts[-1] > LONGEST_PAUSE_NS
    if not late and not early:
        return []
    first, last = (iso_time(bars.ts[at])[:10] for at in (0, -1))
    message = (
        f"The bars of {name} reach from {first} to {last} only: what reads it has no value before, "
        "and the last one after."
    )
    return [{"code": "other_bars_short", "message": message, "node_id": None}]
