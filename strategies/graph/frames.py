"""Frames: the bars of every instrument and time frame that a plan is computed on."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from core.sessions.resample import bars_resample
from core.sessions.sessions import Sessions
from core.sessions.timeframe import timeframe_parse
from strategies.graph.catalogue.forms import Frame
from strategies.graph.context import Context
from strategies.graph.faults import BadValueError
from strategies.graph.scope import RUN, Scope
from strategies.graph.scoping import timeframe_check
from strategies.graph.timing import Timing, days_of_utc, interval_find

_YEAR_SECONDS: Final = 365.25 * 86_400


class Frames:
    """The frames of one evaluation, made when they are asked for first.

    Parameters
    ----------
    bars : Bars
        Of the run.
    context : Context
        What else is known.
    interval : str, optional
        Of the bars, where the context does not say.
    strict_cross : bool
        As for `Frame`.
    """

    def __init__(
        self,
        bars: Bars,
        context: Context,
        *,
        interval: str | None = None,
        strict_cross: bool = False,
    ) -> None:
        self._bars = bars
        self._context = context
        self._named = context.interval or interval
        self._strict_cross = strict_cross
        self._interval: str | None = None
        self._sessions: Sessions | None = context.sessions
        self._made: dict[Scope, Frame] = {}

    @property
    def interval(self) -> str:
        """Interval of the run's bars in its one spelling."""
        if self._interval is None:
            self._interval = interval_find(self._bars, self._named)
        return self._interval

    @property
    def context(self) -> Context:
        """The context, with the interval and the sessions that the bars have shown so far."""
        return replace(
            self._context, interval=self._interval or self._named, sessions=self._sessions
        )

    @property
    def periods_per_year(self) -> float:
        """How many bars of the run a year has."""
        known = self._context.periods_per_year
        return known or _YEAR_SECONDS / timeframe_parse(self.interval).seconds

    def get(self, scope: Scope) -> Frame:
        """Return the frame of a scope.

        Raises
        ------
        InvalidInput
            If the bars of its instrument are not given, or their time frame cannot be made.
        """
        frame = self._made.get(scope)
        if frame is None:
            frame = self._make(scope)
            self._made[scope] = frame
        return frame

    def timing(self, scope: Scope, bars: Bars) -> Timing:
        """Return when bars of a scope open and are over."""
        interval = timeframe_parse(scope.timeframe or self.interval)
        return Timing(bars.ts, interval, self._sessions_of(scope.symbol))

    def _make(self, scope: Scope) -> Frame:
        """Return the frame of a scope; the run's own where it says the same in other words."""
        own = scope.symbol is not None and scope.symbol == self._context.symbol
        same = scope.timeframe is not None and scope.timeframe == self.interval
        if own or same:
            symbol = None if own else scope.symbol
            return self.get(Scope(symbol, None if same else scope.timeframe))
        if scope.timeframe is not None:
            return self._coarse(scope)
        bars = self._bars if scope.symbol is None else self._other(scope.symbol)
        return Frame(bars, strict_cross=self._strict_cross, scope=scope, frames=self)

    def _coarse(self, scope: Scope) -> Frame:
        """Return the frame of a longer time frame, put together from the bars of the interval."""
        timeframe = str(scope.timeframe)
        try:
            timeframe_check(timeframe, self.interval)
        except BadValueError as bad:
            detail = Detail(
                "nodes", bad.code, bad.message, expected=bad.expected, received=bad.received
            )
            raise InvalidInput(bad.message, code=bad.code, details=[detail]) from bad
        fine = self.get(Scope(scope.symbol))
        made = bars_resample(
            ts=fine.bars.ts,
            open=fine.bars.open,
            high=fine.bars.high,
            low=fine.bars.low,
            close=fine.bars.close,
            volume=fine.bars.volume,
            sessions=fine.timing.sessions,
            interval=fine.timing.interval,
            to=timeframe_parse(timeframe),
            until=self._until,
        )
        columns = (made.ts, made.open, made.high, made.low, made.close, made.volume)
        for column in columns:
            column.flags.writeable = False
        timing = Timing(made.ts, timeframe_parse(timeframe), fine.timing.sessions, made.ends)
        return Frame(
            Bars(*columns),
            strict_cross=self._strict_cross,
            scope=scope,
            frames=self,
            timing=timing,
        )

    def _other(self, symbol: str) -> Bars:
        """Return the bars of another instrument that are over when the run's last one is."""
        bars = self._context.others.get(symbol)
        if bars is None:
            message = (
                f"The strategy reads the instrument {symbol!r}, but there are no bars of it: fetch "
                "them, at the run's interval and for its range, and run again."
            )
            detail = Detail("nodes", "missing_symbol", message, received=symbol)
            raise InvalidInput(message, code="missing_symbol", details=[detail])
        sessions = self._sessions_of(symbol)
        # Older bars than the sessions are of no use: nobody knows when they were over.
        first = int(np.searchsorted(bars.ts, sessions.opens[0])) if len(sessions) else 0
        bars = bars.slice(first, len(bars))
        ends = self.timing(Scope(symbol), bars).ends
        return bars.slice(0, int(np.searchsorted(ends, self._until, side="right")))

    @property
    def _until(self) -> int:
        """When the last bar of the run is over."""
        return int(self.get(RUN).timing.ends[-1])

    def _sessions_of(self, symbol: str | None) -> Sessions:
        found = self._context.other_sessions.get(symbol) if symbol is not None else None
        if found is not None:
            return found
        if self._sessions is None:
            self._sessions = days_of_utc((self._bars, *self._context.others.values()))
        return self._sessions
