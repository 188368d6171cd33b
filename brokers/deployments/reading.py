"""What a deployment decides on: its program, the bars that are over, and the sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from brokers.adapters.kinds import ADAPTERS
from brokers.deployments.decision import BookRow, Decision, decide
from brokers.deployments.timing import bar_over_at, ts_of
from brokers.models import Deployment
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Program
from core.errors import InvalidInput
from market.calendars import session_ids, sessions_for
from market.intervals import Interval
from market.models import Instrument
from market.store import StoredBars, bars_read
from strategies.graph.compile import graph_compile
from strategies.graph.context import Context
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.plan import Plan
from strategies.graph.schema import graph_parse


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The bars of a deployment that are over by now, and the program over them."""

    bars: Bars
    instrument: Instrument
    interval: Interval
    columns: tuple[NDArray[Any], ...]
    program: Program
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
        )


@lru_cache(maxsize=256)
def _plan(version_id: object, graph: bytes, parameters: bytes, interval: str) -> Plan:
    del version_id  # part of the key
    return graph_compile(
        graph_parse(orjson.loads(graph)), orjson.loads(parameters), interval=interval
    )


def plan_of(deployment: Deployment) -> Plan:
    """Return the compiled version of a deployment.

    Raises
    ------
    InvalidInput
        When it cannot run, or trades what cannot be traded live.
    """
    plan = _plan(
        deployment.strategy_version_id,
        orjson.dumps(deployment.strategy_version.graph),
        orjson.dumps(deployment.parameters, option=orjson.OPT_SORT_KEYS),
        deployment.interval,
    )
    if plan.program.option_rules:
        raise InvalidInput(
            "This strategy trades options: they can be backtested, not deployed.",
            code="options_unsupported",
        )
    return plan


def config_of(deployment: Deployment, instrument: Instrument) -> RunConfig:
    """Return the terms by which positions are sized and guarded; also those of its backtest."""
    given = {
        name: value
        for name, value in deployment.config.items()
        if name in {"commission", "slippage", "spread", "margin", "maintenance_margin"}
    }
    fractional = ADAPTERS.get(deployment.account.kind).capabilities.fractional
    whole = not (fractional and deployment.config.get("fractional"))
    return RunConfig.from_mapping(
        given
        | {
            "cash": float(deployment.capital),
            "liquidate_at_end": False,
            "fractional": not whole,
            "lot_size": float(instrument.lot_size) if whole else 1.0,
            "tick_size": float(instrument.tick_size),
        }
    )


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
    return bars_read(
        symbol=deployment.symbol,
        interval=deployment.interval,
        start=deployment.history_from,
        owner_id=deployment.owner_id,
    )


def view_of(deployment: Deployment, stored: StoredBars, *, count: int) -> View:
    """Evaluate the program over the first bars of what is stored."""
    bars, instrument, interval = stored.bars.slice(0, count), stored.instrument, stored.interval
    plan = plan_of(deployment)
    around = {"first_ts": int(bars.ts[0]), "last_ts": int(bars.ts[-1])}
    others, other_sessions = {}, {}
    for symbol in plan.symbols:
        if symbol == instrument.symbol:
            continue
        other = bars_read(symbol=symbol, interval=deployment.interval, owner_id=deployment.owner_id)
        until = int(np.searchsorted(other.bars.ts, bars.ts[-1], side="right"))
        others[symbol] = other.bars.slice(0, until)
        other_sessions[symbol] = sessions_for(other.instrument, **around)
    evaluation = plan_evaluate(
        plan,
        bars,
        context=Context(
            interval=str(interval),
            sessions=sessions_for(instrument, **around),
            symbol=instrument.symbol,
            others=others,
            other_sessions=other_sessions,
        ),
        charts=False,
    )
    return View(
        bars=bars,
        instrument=instrument,
        interval=interval,
        columns=evaluation.columns,
        program=evaluation.program,
        sessions=session_ids(
            bars.ts,
            timezone=instrument.timezone,
            interval=str(interval),
            calendar=instrument.calendar,
        ),
        config=config_of(deployment, instrument),
    )


def book_rows(deployment: Deployment) -> list[BookRow]:
    """Return what a deployment's orders came to, oldest first."""
    return [
        BookRow(
            kind=entry.kind,
            bar_ts=ts_of(entry.bar_ts),
            decided_ts=ts_of(entry.decided_ts),
            rule=entry.rule,
            side=entry.side,
            quantity=float(entry.quantity),
            price=float(entry.price),
            commission=float(entry.commission),
            reason=entry.reason,
            entry_ts=ts_of(entry.entry_ts) if entry.entry_ts else 0,
            done=entry.done,
        )
        for entry in deployment.book.order_by("bar_ts", "created_at", "id")
    ]
