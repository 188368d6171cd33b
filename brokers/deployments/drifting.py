"""Comparing each session of a deployment with the backtester, once it is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
from django.db.models import Exists, OuterRef
from django.db.models.functions import Random

from brokers.charging import fills_uncharged
from brokers.deployments.choices import BookKind, TickStatus
from brokers.deployments.drift import (
    FillDrift,
    Side,
    TradedFill,
    drift_split,
    fills_join,
    fills_split,
)
from brokers.deployments.option_drift import (
    NO_RULE,
    commission_of,
    drifts_sum,
    option_drift,
    options_replay,
)
from brokers.deployments.reading import View, stored_of, view_of
from brokers.models import BookEntry, Deployment, DeploymentTick, DriftReport
from core.engine.result import Result
from core.engine.simulate import simulate
from core.errors import ApplicationError
from core.options.result import OptionsResult
from core.transactions import atomic
from market.bar_times import ts_of
from market.contracts import EPOCH
from market.store import StoredBars, bars_read
from notifications.services import event_notify

AT_ONCE: Final = 100
# Of a session; its parts are of all of them.
FILLS_KEPT: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class _Replay:
    """A deployment replayed through the backtester on some bars."""

    view: View
    result: Result

    def side(self, first: int, stop: int) -> Side:
        """Return its side of the bars from `first` up to before `stop`."""
        rows = [
            TradedFill(
                bar_ts=int(row["ts"]),
                rule=int(row["rule"]),
                reason=int(row["reason"]),
                side=int(row["side"]),
                quantity=float(row["quantity"]),
                price=float(row["price"]),
                commission=float(row["commission"]),
            )
            for row in self.result.fills
            if first <= int(row["bar"]) < stop
        ]
        before = float(self.result.position[first - 1]) if first else 0.0
        return Side(before, tuple(rows))


def drift_compare(*, deployment: Deployment, now: datetime) -> list[DriftReport]:
    """Compare the sessions that are over and were not compared yet."""
    ticks = list(deployment.ticks.filter(status=TickStatus.DECIDED).order_by("bar_ts"))
    if not ticks:
        return []
    current = _replay(deployment, stored_of(deployment), ts_of(ticks[-1].bar_ts))
    known = set(deployment.drift.values_list("session", flat=True))
    sessions = current.view.sessions
    first_ts = ts_of(deployment.first_bar_ts or ticks[0].bar_ts)
    begin = int(np.searchsorted(current.view.bars.ts, first_ts))
    owed = BookEntry.objects.filter(deployment=deployment, fill__in=fills_uncharged(now))
    reports = []
    for number in sorted(set(sessions[begin:].tolist())):
        session = EPOCH + timedelta(days=int(number))
        last_seen = session == EPOCH + timedelta(days=int(sessions[-1]))
        if session in known or (last_seen and now.date() <= session):
            continue
        first, stop = (int(np.searchsorted(sessions, number, side=s)) for s in ("left", "right"))
        first = max(first, begin)
        until = datetime.fromtimestamp(int(current.view.bars.ts[stop - 1]) // 10**9, UTC)
        seen = [tick for tick in ticks if tick.bar_ts <= until]
        since = datetime.fromtimestamp(int(current.view.bars.ts[first]) // 10**9, UTC)
        # What its fills have cost is told later, or is not waited for any more.
        if seen and not owed.filter(bar_ts__range=(since, until)).exists():
            reports.append(_report(deployment, session, current, seen[-1].decision, (first, stop)))
    return reports


def drifts_compare(*, now: datetime) -> int:
    """Compare what is due in all deployments that have traded; return how many sessions."""
    count = 0
    lately = DeploymentTick.objects.filter(
        deployment=OuterRef("id"), created_at__gt=now - timedelta(days=3)
    )
    rows = Deployment.objects.filter(Exists(lately)).order_by(Random())  # each has its turn
    for deployment in rows.select_related("account", "strategy_version")[:AT_ONCE]:
        try:
            count += len(drift_compare(deployment=deployment, now=now))
        except ApplicationError:
            continue  # Its bars are gone, or it cannot run any more: that is told by its state.
    return count


def _replay(deployment: Deployment, stored: StoredBars, until: int) -> _Replay:
    count = int(np.searchsorted(stored.bars.ts, until, side="right"))
    view = view_of(deployment, stored, count=count)
    first = ts_of(deployment.first_bar_ts) if deployment.first_bar_ts else 0
    warmup = max(view.program.warmup, int(np.searchsorted(view.bars.ts, first)))
    program = replace(view.program, warmup=warmup)
    if program.option_rules:
        return _Replay(view, options_replay(deployment, view, program))
    result = simulate(view.bars, view.columns, program, view.config, sessions=view.sessions)
    return _Replay(view, result)


@atomic
def _report(
    deployment: Deployment,
    session: date,
    current: _Replay,
    decision: dict[str, Any],
    bounds: tuple[int, int],
) -> DriftReport:
    first, stop = bounds
    bars = current.view.bars
    start = float(bars.close[first - 1]) if first else float(bars.open[0])
    end = float(bars.close[stop - 1])
    rows = _booked(deployment)
    live = _live_side(rows, int(bars.ts[first]), int(bars.ts[stop - 1]))
    seen = _as_seen(deployment, current, str(decision.get("snapshot", "")), int(bars.ts[stop - 1]))
    then = seen.side(first, stop)
    today = current.side(first, stop)
    parts = drift_split(live, then, start=start, end=end)
    pairs = fills_split(live.fills, then.fills, end=end)
    live_pnl, backtest_pnl = live.profit(start, end), today.profit(start, end)
    then_pnl, told = then.profit(start, end), [_told(one) for one in pairs]
    counts = len(live.fills), len(today.fills)
    if isinstance(seen.result, OptionsResult) and isinstance(current.result, OptionsResult):
        results = seen.result, current.result
        options = option_drift(deployment, current.view, results, bounds, rows)
        live_pnl, then_pnl = live_pnl + options.live_pnl, then_pnl + options.then_pnl
        backtest_pnl += options.today_pnl
        parts = drifts_sum([parts, options.parts])
        told += [_told(one) | {"symbol": symbol} for symbol, one in options.fills]
        counts = counts[0] + options.live_count, counts[1] + options.today_count
    report, _ = DriftReport.objects.get_or_create(
        deployment=deployment,
        session=session,
        defaults={
            "live_pnl": live_pnl,
            "backtest_pnl": backtest_pnl,
            "difference": live_pnl - backtest_pnl,
            "data": then_pnl - backtest_pnl,
            **asdict(parts),
            "detail": {
                "fills_live": counts[0],
                "fills_backtest": counts[1],
                "fills": told[:FILLS_KEPT],
            },
        },
    )
    _alert(deployment, report)
    return report


def _told(one: FillDrift) -> dict[str, Any]:
    """Return a fill beside its backtest's: where a side has none, its figures are null."""
    known = one.live or one.backtest
    if known is None:
        raise ValueError("A difference has at least one fill.")
    return {
        "side": "buy" if known.side > 0 else "sell",
        "bar_ts": _moment(one.live),
        "quantity": one.live.quantity if one.live else None,
        "price": one.live.price if one.live else None,
        "backtest_bar_ts": _moment(one.backtest),
        "backtest_quantity": one.backtest.quantity if one.backtest else None,
        "backtest_price": one.backtest.price if one.backtest else None,
        **asdict(one.parts),
    }


def _moment(fill: TradedFill | None) -> str | None:
    if fill is None:
        return None
    return f"{datetime.fromtimestamp(fill.bar_ts // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _as_seen(deployment: Deployment, current: _Replay, snapshot: str, until: int) -> _Replay:
    """Return the replay on the bars as they were then; today's where these are gone."""
    stored = stored_of(deployment)
    if not snapshot or snapshot == stored.snapshot:
        return current
    try:
        then = bars_read(
            symbol=deployment.symbol,
            interval=deployment.interval,
            start=deployment.history_from,
            owner_id=deployment.owner_id,
            snapshot=snapshot,
        )
    except ApplicationError:
        return current
    replayed = _replay(deployment, then, until)
    same = len(replayed.view.bars) and int(replayed.view.bars.ts[-1]) == until
    return replayed if same else current


def _booked(deployment: Deployment) -> list[BookEntry]:
    """Return what was filled, read at once: shares come for contracts that end, or neither does."""
    rows = BookEntry.objects.filter(deployment=deployment, fill__isnull=False)
    rows = rows.exclude(kind=BookKind.FEE).select_related("fill")
    return list(rows.order_by("bar_ts", "number"))


def _live_side(rows: Iterable[BookEntry], first_ts: int, last_ts: int) -> Side:
    position, fills = 0.0, []
    for row in rows:
        if row.symbol:
            continue
        ts = ts_of(row.bar_ts)
        if ts < first_ts:
            position += row.side * float(row.quantity)
        elif ts <= last_ts:
            fill = TradedFill(
                bar_ts=ts,
                # Shares that were delivered are nobody's order, as in a backtest.
                rule=NO_RULE if row.kind == BookKind.DELIVERY else row.rule,
                reason=row.reason,
                side=row.side,
                quantity=float(row.quantity),
                price=float(row.price),
                commission=commission_of(row),
            )
            fills.append((row.order_id, fill))
    return Side(position, tuple(fills_join(fills)))


def _alert(deployment: Deployment, report: DriftReport) -> None:
    share = abs(report.difference) / float(deployment.capital)
    if share <= float(deployment.drift_threshold):
        return
    parts = {
        name: getattr(report, name) for name in ("signal", "data", "timing", "slippage", "fees")
    }
    largest = max(parts, key=lambda name: abs(parts[name]))
    event_notify(
        owner_id=deployment.owner_id,
        event="drift.exceeded",
        key=f"drift.exceeded:{deployment.id}:{report.session}",
        subject=f"{deployment.name} drifts from its backtest",
        text=(
            f"On {report.session} it made {report.live_pnl:.2f}, its backtest "
            f"{report.backtest_pnl:.2f}; most of it is {largest} ({parts[largest]:+.2f})."
        ),
        data={
            "deployment_id": str(deployment.id),
            "strategy_id": str(deployment.strategy_id),
            "ticker": deployment.symbol,
            "drift_pct": share * 100,
            **parts,
        },
    )
