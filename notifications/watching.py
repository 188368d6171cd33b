"""Rules on bars: looked at when the bars of their symbol change, once a closed bar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from core.db import claim
from core.engine.bars import Bars
from core.sessions.buckets import bar_ends
from core.sessions.sessions import Sessions
from core.sessions.timeframe import timeframe_parse
from market.calendars import sessions_for
from market.choices import FetchStatus
from market.intervals import interval_get
from market.models import Fetch
from market.sources import series_choose
from market.store import StoredBars, bars_read
from notifications.conditions import ON_CHANGE, fires, node_column, node_plan, price_column
from notifications.models import AlertRule
from notifications.telling import event_notify, rule_tell
from strategies.graph.context import Context
from strategies.graph.plan import Plan

# What warms up forgets what is further back; more would make one rule slow for all.
MAX_BARS: Final = 20_000
NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Market:
    """The bars of a symbol as they are known now.

    Attributes
    ----------
    stored : StoredBars
    bars : Bars
        Those that were over when they were written: a day that is not over is none of them.
    mark : str
        Changes whenever there may be something new to see.
    """

    stored: StoredBars
    bars: Bars
    mark: str


def market_mark(*, owner_id: UUID | None, symbol: str, interval: str) -> tuple[str, datetime]:
    """Return what changes with the bars of a symbol, and as of when they are known.

    A bar is closed if what is stored of it was asked for after its end; the same bars fetched
    again later count as known later.

    Raises
    ------
    InvalidInput
        When there are no such bars.
    """
    series = series_choose(
        symbol=symbol, interval=interval_get(interval), start=None, end=None, owner_id=owner_id
    )
    done = Fetch.objects.filter(series=series, status=FetchStatus.COMPLETED)
    fetched = done.aggregate(latest=Max("started_at"))["latest"]
    known_at = max(series.updated_at, fetched or series.updated_at)
    return f"{series.content_hash[:40]}:{int(known_at.timestamp() * 1000)}", known_at


def market_read(*, owner_id: UUID, symbol: str, interval: str) -> Market:
    """Read the closed bars of a symbol.

    Raises
    ------
    InvalidInput
        When there are none.
    """
    mark, known_at = market_mark(owner_id=owner_id, symbol=symbol, interval=interval)
    stored = bars_read(symbol=symbol, interval=interval, owner_id=owner_id)
    bars = stored.bars.slice(max(0, len(stored.bars) - MAX_BARS), len(stored.bars))
    ends = bar_ends(bars.ts, _sessions(stored, bars), timeframe_parse(str(stored.interval)))
    known = int(min(known_at, timezone.now()).timestamp() * NS_PER_S)
    closed = int(np.searchsorted(ends, known, side="right"))
    return Market(stored, bars.slice(0, closed), mark)


def bar_rules() -> QuerySet[AlertRule]:
    """Return the rules on closed bars: those on a symbol with an interval."""
    return AlertRule.objects.filter(enabled=True).exclude(symbol="").exclude(interval="")


def rule_evaluate(*, rule_id: UUID) -> None:
    """Look at the bars that a rule has not seen, and tell if its condition is met on one of them.

    Of several new bars the newest on which it fires is told; of none twice.
    """
    rule = bar_rules().select_related("strategy_version").filter(id=rule_id).first()
    if rule is None:
        return
    market = market_read(owner_id=rule.owner_id, symbol=rule.symbol, interval=rule.interval)
    seen = AlertRule.objects.filter(id=rule.id, seen_until=rule.seen_until, enabled=True)
    if not len(market.bars):
        claim(seen, seen_hash=market.mark)
        return
    fired = _fired_at(rule, market) if rule.seen_until is not None else None
    with transaction.atomic():
        mine = claim(seen, seen_until=moment(market.bars.ts[-1]), seen_hash=market.mark)
        if mine and fired is not None:
            _tell(rule, market, fired)


def rule_disable(*, rule_id: UUID, reason: str) -> None:
    """Switch a rule off that cannot be evaluated, and tell its owner why."""
    with transaction.atomic():
        on = AlertRule.objects.filter(id=rule_id, enabled=True)
        if not claim(on, enabled=False, disabled_reason=reason):
            return
        rule = AlertRule.objects.get(id=rule_id)
        event_notify(
            owner_id=rule.owner_id,
            event="rule.disabled",
            key=f"rule.disabled:{rule.id}:{timezone.now().timestamp()}",
            subject=f"Your rule {rule} was switched off",
            text=reason,
            data={"rule_id": str(rule.id), "event": rule.event, "reason": reason},
        )


def condition_column(rule: AlertRule, market: Market) -> NDArray[np.bool_]:
    """Return where the condition of a rule is true on closed bars.

    Raises
    ------
    InvalidInput
        When it cannot be computed on these bars.
    """
    if rule.strategy_version is None:
        return price_column(rule.condition, market.bars)
    version = rule.strategy_version
    plan = node_plan(
        version_id=str(version.id),
        graph=version.graph,
        node_id=rule.condition["node"],
        port=rule.condition.get("port", ""),
        parameters=rule.condition.get("parameters", {}),
        interval=str(market.stored.interval),
    )
    return node_column(plan, market.bars, _context(plan, market, rule.owner_id))


def moment(ts: np.int64 | int) -> datetime:
    """Return a bar's time."""
    return datetime.fromtimestamp(int(ts) / NS_PER_S, tz=UTC)


def _fired_at(rule: AlertRule, market: Market) -> int | None:
    """Return the newest unseen bar on which the condition tells, None if there is none."""
    seen_ns = int(rule.seen_until.timestamp()) * NS_PER_S if rule.seen_until else 0
    first = int(np.searchsorted(market.bars.ts, seen_ns, side="right"))
    if first == len(market.bars):
        return None
    told = fires(condition_column(rule, market), repeat=rule.condition.get("repeat", ON_CHANGE))
    found = np.flatnonzero(told[first:])
    return first + int(found[-1]) if found.size else None


def _tell(rule: AlertRule, market: Market, at: int) -> None:
    bars, stored = market.bars, market.stored
    opened = moment(bars.ts[at])
    price = float(bars.close[at])
    rule_tell(
        rule,
        symbol=stored.instrument_symbol,
        at=str(int(bars.ts[at])),
        text=(
            f"{stored.instrument_symbol} closed at {price:g} "
            f"({stored.interval} bar of {opened:%Y-%m-%d %H:%M} UTC)."
        ),
        data={
            "ticker": stored.instrument_symbol,
            "interval": str(stored.interval),
            "price": price,
            "bar_ts": opened.isoformat().replace("+00:00", "Z"),
        },
    )


def _context(plan: Plan, market: Market, owner_id: UUID) -> Context:
    stored = market.stored
    own = stored.instrument_symbol.upper()
    others = {
        name: bars_read(symbol=name, interval=str(stored.interval), owner_id=owner_id)
        for name in plan.symbols
        if name != own
    }
    return Context(
        interval=str(stored.interval),
        sessions=_sessions(stored, market.bars),
        symbol=own,
        others={name: other.bars for name, other in others.items()},
        other_sessions={name: _sessions(other, other.bars) for name, other in others.items()},
    )


def _sessions(stored: StoredBars, bars: Bars) -> Sessions:
    return sessions_for(stored.instrument, first_ts=int(bars.ts[0]), last_ts=int(bars.ts[-1]))
