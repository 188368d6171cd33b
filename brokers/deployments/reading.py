"""What a deployment decides on: its program, the bars that are over, and the sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

import numpy as np
import orjson
from numpy.typing import NDArray

from brokers.adapters.kinds import ADAPTERS
from brokers.deployments.decision import decide, lowered
from brokers.deployments.wanted import BookRow, Decision
from brokers.models import Deployment
from brokers.quotes import Quotes
from brokers.services.capability import asset_type_of
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Program
from core.engine.state import Plan as LoweredPlan
from market.bar_times import bar_over_at, ts_of
from market.calendars import session_ids, sessions_for
from market.intervals import Interval, interval_get
from market.models import Instrument
from market.resampling import finer_names
from market.selectors import series_list
from market.store import StoredBars, bars_read
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.evaluate import Evaluation, plan_evaluate
from strategies.graph.plan import Plan
from strategies.graph.schema import graph_parse
from strategies.models import StrategyVersion


@dataclass(frozen=True, eq=False)
class View:
    """The bars that are over by now, and a program over them on the terms of an account.

    Deployments that have all of that in common have the same one.
    """

    bars: Bars
    instrument: Instrument
    interval: Interval
    columns: tuple[NDArray[Any], ...]
    program: Program
    messages: Mapping[str, str]
    sessions: NDArray[np.int64]
    config: RunConfig

    def decide(self, *, book: Iterable[BookRow], first_ts: int, skipped: Iterable[int]) -> Decision:
        """Return what holds after the last bar."""
        return decide(
            self.bars,
            self.columns,
            self.program,
            self.config,
            book=book,
            first_ts=first_ts,
            skipped=skipped,
            sessions=self.sessions,
            plan=self.plan,
        )

    @cached_property
    def plan(self) -> LoweredPlan:
        """The program over its columns as the kernel reads it."""
        return lowered(self.bars, self.columns, self.program, self.config, self.sessions)


@lru_cache(maxsize=512)
def _plan(version_id: UUID, parameters: bytes, interval: str) -> Plan:
    # A version never changes, so that its graph is read once.
    graph = StrategyVersion.objects.values_list("graph", flat=True).get(id=version_id)
    return graph_compile(graph_parse(graph), orjson.loads(parameters), interval=interval)


def plan_of(deployment: Deployment) -> Plan:
    """Return the compiled version of a deployment.

    Raises
    ------
    InvalidInput
        When it cannot run.
    """
    parameters = orjson.dumps(deployment.parameters, option=orjson.OPT_SORT_KEYS)
    return _plan(deployment.strategy_version_id, parameters, deployment.interval)


def config_of(deployment: Deployment, instrument: Instrument) -> RunConfig:
    """Return the terms by which positions are sized and guarded; also those of its backtest."""
    given = {
        name: value
        for name, value in deployment.config.items()
        if name in {"commission", "slippage", "spread", "margin", "maintenance_margin"}
    }
    can = ADAPTERS.get(deployment.account.kind).capabilities.of(asset_type_of(instrument))
    whole = not (can.fractional and deployment.config.get("fractional"))
    terms = given | {
        "cash": float(deployment.capital),
        "liquidate_at_end": False,
        "fractional": not whole,
        "lot_size": float(instrument.lot_size) if whole else 1.0,
        "tick_size": float(instrument.tick_size),
    }
    return _config(orjson.dumps(terms, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=512)
def _config(terms: bytes) -> RunConfig:
    return RunConfig.from_mapping(orjson.loads(terms))


def bars_closed(stored: StoredBars, *, now: datetime) -> int:
    """Return how many of the bars are over."""
    count = len(stored.bars)
    while count and now < bar_over_at(
        int(stored.bars.ts[count - 1]), instrument=stored.instrument, interval=stored.interval
    ):
        count -= 1
    return count


def stored_of(deployment: Deployment) -> StoredBars:
    """Return the stored bars of a deployment, from the beginning of its history on."""
    return Shelf([deployment]).stored(deployment)


def view_of(deployment: Deployment, stored: StoredBars, *, count: int) -> View:
    """Evaluate the program over the first bars of what is stored."""
    return Shelf([deployment]).view(deployment, stored, count=count)


class Shelf:
    """Bars of some deployments and their programs over them: what several share is done once."""

    def __init__(self, deployments: Sequence[Deployment]) -> None:
        self.quotes = Quotes(deployment.owner_id for deployment in deployments)
        self.quotes.read(deployment.symbol for deployment in deployments)
        self._starts = Counter(map(self._place, deployments))
        self._read: dict[tuple[object, ...], StoredBars] = {}
        self._closed: dict[tuple[object, ...], int] = {}
        self._evaluated: dict[tuple[object, ...], tuple[Evaluation, NDArray[np.int64]]] = {}
        self._views: dict[tuple[object, ...], View] = {}

    def stored(self, deployment: Deployment) -> StoredBars:
        """Return the stored bars of a deployment, from the beginning of its history on."""
        place, start = self._place(deployment), deployment.history_from
        if self._starts[place] > 1 and start is not None and (whole := self._whole(place)):
            begin = int(np.searchsorted(whole.bars.ts, ts_of(start), side="left"))
            if begin < len(whole.bars):
                return self._from(place, whole, begin)
        return self._bars(*place, start=start)

    def closed(self, stored: StoredBars, *, now: datetime) -> int:
        """Return how many of the bars are over."""
        key = stored.snapshot, stored.interval.name, len(stored.bars)
        if key not in self._closed:
            self._closed[key] = bars_closed(stored, now=now)
        return self._closed[key]

    def view(self, deployment: Deployment, stored: StoredBars, *, count: int) -> View:
        """Evaluate the program over the first bars of what is stored."""
        bars, instrument, interval = stored.bars.slice(0, count), stored.instrument, stored.interval
        plan = plan_of(deployment)
        readers = tuple(
            (symbol, self.quotes.reader(symbol, deployment.owner_id))
            for symbol in plan.symbols
            if symbol != instrument.symbol
        )
        key = (id(plan), stored.snapshot, interval.name, int(bars.ts[0]), count, readers)
        config = config_of(deployment, instrument)
        shared = (*key, id(config))
        if shared not in self._views:
            if key not in self._evaluated:
                self._evaluated[key] = self._evaluate(plan, bars, stored, dict(readers))
            evaluation, sessions = self._evaluated[key]
            self._views[shared] = View(
                bars=bars,
                instrument=instrument,
                interval=interval,
                columns=evaluation.columns,
                program=evaluation.program,
                messages=plan.messages,
                sessions=sessions,
                config=config,
            )
        return self._views[shared]

    def _evaluate(
        self, plan: Plan, bars: Bars, stored: StoredBars, readers: dict[str, UUID | None]
    ) -> tuple[Evaluation, NDArray[np.int64]]:
        instrument, interval = stored.instrument, str(stored.interval)
        around = {"first_ts": int(bars.ts[0]), "last_ts": int(bars.ts[-1])}
        others, other_sessions = {}, {}
        for symbol, reader in readers.items():
            other = self._bars(symbol, interval, reader, start=None)
            until = int(np.searchsorted(other.bars.ts, bars.ts[-1], side="right"))
            others[symbol] = other.bars.slice(0, until)
            other_sessions[symbol] = sessions_for(other.instrument, **around)
        context = Context(
            interval=interval,
            sessions=sessions_for(instrument, **around),
            symbol=instrument.symbol,
            others=others,
            other_sessions=other_sessions,
        )
        evaluation = plan_evaluate(plan, bars, context=context, charts=False)
        sessions = session_ids(
            bars.ts,
            timezone=instrument.timezone,
            interval=interval,
            calendar=instrument.calendar,
        )
        return evaluation, sessions

    def _place(self, deployment: Deployment) -> tuple[str, str, UUID | None]:
        """Return what names the bars of a deployment, and whom they are read as."""
        reader = self.quotes.reader(deployment.symbol, deployment.owner_id)
        return deployment.symbol, deployment.interval, reader

    def _whole(self, place: tuple[str, str, UUID | None]) -> StoredBars | None:
        """Return all bars of a place; None where the range decides which series is read."""
        symbol, interval, reader = place
        key = (*place, "sole")
        if key not in self._closed:
            names = [interval, *finer_names(interval_get(interval))]
            self._closed[key] = (
                series_list(owner_id=reader)
                .filter(instrument__symbol=symbol, interval__in=names)
                .count()
            )
        return self._bars(*place, start=None) if self._closed[key] == 1 else None

    def _from(
        self, place: tuple[str, str, UUID | None], whole: StoredBars, begin: int
    ) -> StoredBars:
        """Return the bars of a place from one of them on."""
        key = (*place, begin)
        if key not in self._read:
            self._read[key] = replace(whole, bars=whole.bars.slice(begin, len(whole.bars)))
        return self._read[key]

    def _bars(
        self, symbol: str, interval: str, reader: UUID | None, *, start: datetime | None
    ) -> StoredBars:
        key = (symbol, interval, reader, start)
        if key not in self._read:
            self._read[key] = bars_read(
                symbol=symbol, interval=interval, start=start, owner_id=reader
            )
        return self._read[key]
