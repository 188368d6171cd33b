"""The drift of a session's options: contract by contract, split as that of shares is.

Prices at the session's ends are the model's, the same ones for both sides: what a contract was
traded at is in the difference, what it is thought to be worth is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from brokers.deployments.choices import BookKind
from brokers.deployments.drift import (
    Drift,
    FillDrift,
    Side,
    TradedFill,
    drift_split,
    fills_join,
    fills_split,
)
from brokers.deployments.option_decision import OptionMarket
from brokers.deployments.option_reading import option_market
from brokers.deployments.reading import View
from brokers.models import BookEntry, Deployment
from core.engine.program import Program
from core.options.chain import chain_build
from core.options.contract import contract_parse
from core.options.quoting import mid_prices
from core.options.result import OptionExitReason, OptionsResult
from core.options.simulate import simulate_with_options
from market.bar_times import ts_of

ENDS = frozenset(
    {
        OptionExitReason.EXPIRED,
        OptionExitReason.ASSIGNED,
        OptionExitReason.EXERCISED,
        OptionExitReason.SETTLED,
    }
)
# An end is no decision of any rule.
NO_RULE = -1

Books = dict[str, list[TradedFill]]
"""Fills by contract, oldest first; prices are money of one contract."""


@dataclass(frozen=True, slots=True)
class OptionDrift:
    """What options add to a session's report; profits and counts of fills of each side."""

    live_pnl: float
    then_pnl: float
    today_pnl: float
    parts: Drift
    fills: tuple[tuple[str, FillDrift], ...]
    live_count: int
    today_count: int


def options_replay(deployment: Deployment, view: View, program: Program) -> OptionsResult:
    """Return the backtest of a program with options over a deployment's bars."""
    market = option_market(deployment, view)
    result = simulate_with_options(
        view.bars,
        view.columns,
        program,
        view.config,
        options_config=market.config,
        session_ids=view.sessions,
        sessions=market.days,
        left=market.left,
        underlying=market.underlying,
    )
    if not isinstance(result, OptionsResult):
        raise TypeError("A program with option rules has a result with options.")
    return result


def option_drift(
    deployment: Deployment,
    view: View,
    results: tuple[OptionsResult, OptionsResult],
    bounds: tuple[int, int],
    rows: Iterable[BookEntry],
) -> OptionDrift:
    """Return the drift of the bars from the first up to before the last of `bounds`.

    `results` are the backtests on the bars as they were then, and on those of today; `rows` is the
    book, the oldest bar first.
    """
    market = option_market(deployment, view)
    first, stop = bounds
    ends = first - 1, stop - 1
    live = _live_books(rows, market.config.multiplier)
    then, today = (_backtest_books(result) for result in results)
    symbols = sorted(live.keys() | then.keys() | today.keys())
    marks = _marks(view, market, symbols, ends)
    until = int(view.bars.ts[first]), int(view.bars.ts[stop - 1])
    pnls, counts = np.zeros(3), np.zeros(3, np.int64)
    parts: list[Drift] = []
    fills: list[tuple[str, FillDrift]] = []
    for symbol, (start, end) in zip(symbols, marks, strict=True):
        sides = [_side(books.get(symbol, ()), until) for books in (live, then, today)]
        if not any(side.fills or side.position for side in sides):
            continue
        pnls += [side.profit(start, end) for side in sides]
        counts += [len(side.fills) for side in sides]
        parts.append(drift_split(sides[0], sides[1], start=start, end=end))
        pairs = fills_split(sides[0].fills, sides[1].fills, end=end)
        fills += [(symbol, pair) for pair in pairs]
    return OptionDrift(
        live_pnl=float(pnls[0]),
        then_pnl=float(pnls[1]),
        today_pnl=float(pnls[2]),
        parts=drifts_sum(parts),
        fills=tuple(fills),
        live_count=int(counts[0]),
        today_count=int(counts[2]),
    )


def commission_of(row: BookEntry) -> float:
    """Return what a fill has cost: where that came after it was booked, the fill has it."""
    charged = row.fill.commission if row.commission is None and row.fill else row.commission
    return float(charged or 0)


def drifts_sum(parts: Iterable[Drift]) -> Drift:
    """Return differences added up, each kind for itself."""
    rows = list(parts)
    return Drift(**{one.name: sum(getattr(row, one.name) for row in rows) for one in fields(Drift)})


def _side(fills: Iterable[TradedFill], until: tuple[int, int]) -> Side:
    rows = list(fills)
    first_ts, last_ts = until
    before = sum(one.side * one.quantity for one in rows if one.bar_ts < first_ts)
    return Side(before, tuple(one for one in rows if first_ts <= one.bar_ts <= last_ts))


def _live_books(rows: Iterable[BookEntry], multiplier: float) -> Books:
    found: defaultdict[str, list[tuple[Hashable, TradedFill]]] = defaultdict(list)
    for row in rows:
        if not row.symbol:
            continue
        ended = row.kind == BookKind.SETTLED
        fill = TradedFill(
            bar_ts=ts_of(row.bar_ts),
            rule=NO_RULE if ended else row.rule,
            reason=int(OptionExitReason.EXPIRED) if ended else row.reason,
            side=row.side,
            quantity=float(row.quantity),
            price=float(row.price) * multiplier,
            commission=commission_of(row),
        )
        # Of one bar: what comes in another may be of another session.
        found[row.symbol].append(((row.order_id, row.bar_ts), fill))
    books: Books = defaultdict(list)
    books.update((symbol, fills_join(fills)) for symbol, fills in found.items())
    return books


def _backtest_books(result: OptionsResult) -> Books:
    found: defaultdict[str, list[TradedFill]] = defaultdict(list)
    for row in result.option_fills:
        ended = OptionExitReason(int(row["reason"])) in ENDS
        found[str(row["symbol"])].append(
            TradedFill(
                bar_ts=int(row["ts"]),
                rule=NO_RULE if ended else int(row["rule"]),
                reason=int(OptionExitReason.EXPIRED) if ended else int(row["reason"]),
                side=int(row["side"]),
                quantity=float(row["quantity"]),
                price=float(row["price"]) * float(row["multiplier"]),
                commission=float(row["commission"]),
            )
        )
    return found


def _marks(
    view: View, market: OptionMarket, symbols: Sequence[str], bars: tuple[int, int]
) -> list[tuple[float, float]]:
    """Return what a contract is worth at the closes of two bars; zero where nobody can say."""
    if not symbols:
        return []
    chain = chain_build(
        view.bars, view.columns, view.program, market.config,
        days=view.sessions, left=market.left, volatility=None, dividends=None,
    )  # fmt: skip
    named = [contract_parse(symbol) for symbol in symbols]
    contracts = [one.contract for one in named if one is not None]
    found: list[Any] = []
    for bar in bars:
        if bar < 0:
            found.append(np.zeros(len(contracts)))
            continue
        mids = mid_prices(
            contracts,
            spot=float(view.bars.close[bar]),
            vol=float(chain.vol_at_close[bar]),
            day=float(chain.day[bar] - chain.left_at_close[bar]),
            config=market.config,
        )
        found.append(np.nan_to_num(mids) * market.config.multiplier)
    return [(float(start), float(end)) for start, end in zip(*found, strict=True)]
