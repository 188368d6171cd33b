"""The live decision with options against the backtest: the same contracts on the same bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brokers.deployments.option_book import ROLES
from brokers.deployments.option_decision import LegOrder, OptionMarket, decide_with_options
from brokers.deployments.option_stopping import legs_left
from brokers.deployments.wanted import BookRow, Role
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.option_rules import Right
from core.options.config import OptionsConfig
from core.options.contract import Contract
from core.options.expiries import ExpiryCalendar
from core.options.left import left_by_clock
from core.options.listed import ListedContracts
from core.options.result import OptionExitReason
from core.options.simulate import simulate_with_options
from core.sessions.timeframe import timeframe_parse
from market.calendars import sessions_for
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_parse
from tests.brokers.deployments.option_graphs import ENDS, GRAPHS, PARAMETERS, rows_of
from tests.options.walk import DAY_NS, weekdays

HOUR_NS = DAY_NS // 24
CONFIG = RunConfig(cash=200_000.0, liquidate_at_end=False)
OPTIONS = OptionsConfig()


def bars_random(length, *, seed=3, volatility=0.015):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, volatility, length)))
    opened = np.roll(close, 1) * np.exp(rng.normal(0, 0.004, length))
    opened[0] = close[0]
    return Bars.from_arrays(
        ts=np.array(weekdays(length)) * DAY_NS,
        open=opened,
        high=np.maximum(opened, close) * 1.002,
        low=np.minimum(opened, close) * 0.998,
        close=close,
        volume=np.ones(length),
    )


class Replayed:
    """One backtest, and decisions of the same program over the beginnings of its bars."""

    def __init__(self, name, *, bars=None, config=CONFIG, options=OPTIONS):
        self.bars, self.config, self.options = bars or bars_random(160), config, options
        self.plan = graph_compile(graph_parse(GRAPHS[name]), PARAMETERS.get(name, {}))
        whole = plan_evaluate(self.plan, self.bars, charts=False)
        self.program, self.days = whole.program, self.bars.ts // DAY_NS
        bounds = {"first_ts": int(self.bars.ts[0]), "last_ts": int(self.bars.ts[-1])}
        hourly = int(np.diff(self.bars.ts).min()) < DAY_NS
        self.left = left_by_clock(
            self.bars.ts, sessions_for("XNYS", **bounds), timeframe_parse("1h" if hourly else "1d")
        )
        self.result = simulate_with_options(
            self.bars, whole.columns, whole.program, config,
            options_config=options, session_ids=self.days, left=self.left, underlying="SHARE",
        )  # fmt: skip
        self.rows = rows_of(self.result, whole.program, self.bars)

    def market(self, count, listing=None):
        calendar = ExpiryCalendar(np.unique(self.days))
        left = self.left[0][:count], self.left[1][:count]
        return OptionMarket("SHARE", self.options, self.days, left, listing or calendar)

    def decide(self, last, *, rows=None, **more):
        seen = self.bars.slice(0, last + 1)
        evaluation = plan_evaluate(self.plan, seen, charts=False)
        past = [row for row in self.rows if row.bar_ts <= seen.ts[-1]] if rows is None else rows
        return decide_with_options(
            seen, evaluation.columns, evaluation.program, self.config,
            market=more.pop("market", self.market(last + 1)),
            sessions=self.days[: last + 1], book=past, **more,
        )  # fmt: skip

    def fills(self, bar):
        """What the backtest filled in a bar: what was opened, and what was closed and why."""
        opened, closed = set(), set()
        for fill in self.result.option_fills:
            reason = OptionExitReason(int(fill["reason"]))
            if int(fill["bar"]) != bar or reason in ENDS:
                continue
            what = str(fill["symbol"]), int(fill["side"]), float(fill["quantity"])
            trades = self.result.option_trades
            mine = trades[trades["position"] == fill["position"]]
            if len(mine) and int(mine["entry_bar"][0]) < bar:
                closed.add((*what, ROLES[reason]))
            else:
                opened.add(what)
        return opened, closed


def hours_random(days):
    """Hourly bars of days at New York's exchange in winter, each with seven; the last is short."""
    daily = bars_random(7 * days, volatility=0.006)
    opens = np.array(weekdays(days))[:, None] * DAY_NS + 14 * HOUR_NS + HOUR_NS // 2
    return replace(daily, ts=(opens + np.arange(7) * HOUR_NS).ravel())


def of_legs(legs):
    return {(leg.symbol, leg.side, leg.quantity) for leg in legs}


HOURS = [
    ("straddles a loop buys, closed by a rule", "hours"),
    ("condors, given up by profit, loss or days", "hours"),
]


@pytest.mark.parametrize(("name", "bars"), [*((name, "days") for name in GRAPHS), *HOURS])
def test_contracts_and_closings_are_the_backtests_bar_by_bar(name, bars):
    replay = Replayed(name, bars=hours_random(30) if bars == "hours" else None)
    program, result = replay.program, replay.result
    opened = closed = 0
    for last in range(program.warmup, len(replay.bars) - 1):
        found = replay.decide(last)
        assert found.position == pytest.approx(result.position[last]), last
        assert found.equity == pytest.approx(result.equity[last], rel=1e-12), last
        assert found.cash == pytest.approx(result.cash[last], rel=1e-9), last
        assert found.options.value == pytest.approx(result.option_value[last], abs=1e-6), last
        wanted, given_up = replay.fills(last + 1)
        assert of_legs(found.options.opens) == wanted, last
        closes = {(one.symbol, one.side, one.quantity, one.role) for one in found.options.closes}
        assert closes == given_up, last
        opened, closed = opened + len(wanted), closed + len(closes)
    assert opened >= 6
    ended = sum(
        int(OptionExitReason(int(one)) in ENDS) for one in result.option_trades["exit_reason"]
    )
    assert closed + ended >= 4


def last_opening(replay, legs):
    """The last bar at whose close the backtest decides to open a position of so many legs."""
    bars = {}
    for fill in replay.result.option_fills:
        if OptionExitReason(int(fill["reason"])) == OptionExitReason.SIGNAL:
            bars.setdefault(int(fill["position"]), []).append(int(fill["bar"]))
    return max(found[0] - 1 for found in bars.values() if found.count(found[0]) == legs)


CONDORS = "condors, given up by profit, loss or days"


@pytest.fixture(scope="module")
def condors():
    return Replayed(CONDORS)


def test_what_is_bought_goes_before_what_is_sold(condors):
    opens = condors.decide(last_opening(condors, 4)).options.opens
    assert [leg.side for leg in opens] == [1, 1, -1, -1]
    assert sorted(leg.leg for leg in opens) == [0, 1, 2, 3]


def test_a_position_on_its_way_counts_as_open(condors):
    last = int(condors.result.option_fills["bar"][0]) - 1
    opens = condors.decide(last).options.opens
    earlier = int(condors.bars.ts[last - 1])
    way = [LegOrder(0, earlier, leg.symbol, opens=True) for leg in opens]
    assert condors.decide(last, orders=way).options.opens == opens
    # Two there may be.
    again = [replace(one, position_ts=earlier - DAY_NS) for one in way]
    assert condors.decide(last, orders=[*way, *again]).options.opens == ()


def test_a_closing_order_that_waits_is_not_sent_twice(condors):
    for last in range(condors.program.warmup, len(condors.bars) - 1):
        closes = condors.decide(last).options.closes
        if closes:
            break
    one, *others = closes
    waits = LegOrder(one.rule, one.position_ts, one.symbol, opens=False)
    assert condors.decide(last, orders=[waits]).options.closes == tuple(others)


def test_legs_of_a_position_that_could_not_be_had_in_full_are_closed(condors):
    last = last_opening(condors, 4)
    legs = [row for row in condors.rows if row.bar_ts == int(condors.bars.ts[last + 1])]
    opened = [row for row in legs if row.kind == "leg_open"]
    assert len(opened) == 4
    refused = replace(opened[0], kind="leg_end", quantity=1.0, price=0.0)
    past = [row for row in condors.rows if row.bar_ts <= int(condors.bars.ts[last])]
    # In the bar that is not over yet: the position is given up at once.
    options = condors.decide(last, rows=[*past, refused, *opened[1:]]).options
    unwound = [leg for leg in options.closes if leg.role == Role.UNWIND]
    assert {leg.symbol for leg in unwound} == {row.symbol for row in opened[1:]}
    assert [leg.side for leg in unwound] == sorted((leg.side for leg in unwound), reverse=True)
    assert options.broken == ((0, int(condors.bars.ts[last])),)
    # Of a whole one nothing is.
    whole = condors.decide(last, rows=[*past, *opened]).options
    assert [leg for leg in whole.closes if leg.role == Role.UNWIND] == []


def test_legs_that_were_never_placed_have_the_others_closed(condors):
    last = last_opening(condors, 4)
    legs = [row for row in condors.rows if row.bar_ts == int(condors.bars.ts[last + 1])]
    bought = [row for row in legs if row.kind == "leg_open" and row.side > 0]
    assert len(bought) == 2
    past = [row for row in condors.rows if row.bar_ts <= int(condors.bars.ts[last])]
    staged = replace(condors.market(last + 2), staged=True)
    found = condors.decide(last + 1, rows=[*past, *bought], market=staged).options
    unwound = {leg.symbol for leg in found.closes if leg.role == Role.UNWIND}
    assert unwound == {row.symbol for row in bought}
    # Those that are on their way are waited for, and in one that is whole nothing is missing.
    sold = [row for row in legs if row.kind == "leg_open" and row.side < 0]
    waits = [LegOrder(0, row.decided_ts, row.symbol, opens=True) for row in sold]
    for rows, orders in (([*past, *bought], waits), ([*past, *bought, *sold], [])):
        found = condors.decide(last + 1, rows=rows, orders=orders, market=staged).options
        assert [leg for leg in found.closes if leg.role == Role.UNWIND] == []


def test_without_a_list_nothing_is_opened_and_what_is_held_is_closed_all_the_same(condors):
    last = last_opening(condors, 4)
    blind = replace(condors.market(last + 1), listing=None)
    options = condors.decide(last, market=blind).options
    assert (options.opens, options.refused) == ((), ((0, "contracts_unavailable"),))
    closed = 0
    for last in range(condors.program.warmup, len(condors.bars) - 1):
        blind = replace(condors.market(last + 1), listing=None)
        closes = condors.decide(last, market=blind).options.closes
        assert of_legs(closes) == {one[:3] for one in condors.fills(last + 1)[1]}
        closed += len(closes)
    assert closed


def test_contracts_are_those_that_are_listed(condors):
    last = last_opening(condors, 4)
    wanted = condors.decide(last).options.opens
    expiry = wanted[0].contract.expiry
    # Only every fourth strike, and only the Friday after the one that would be nearest.
    there = [
        Contract(right, 10.0 * number, expiry + 7) for right in Right for number in range(1, 40)
    ]
    listing = ListedContracts(there, np.unique(condors.days))
    market = replace(
        condors.market(last + 1, listing), symbols={one: f"X{one.strike:g}" for one in there}
    )
    opens = condors.decide(last, market=market).options.opens
    assert {leg.contract.expiry for leg in opens} == {expiry + 7}
    assert all(leg.contract in there for leg in opens)
    assert all(leg.symbol == f"X{leg.contract.strike:g}" for leg in opens)
    bought, sold = ({leg.contract.strike for leg in opens if leg.side == side} for side in (1, -1))
    assert {abs(one - other) for one in bought for other in sold} >= {20.0}
    # Where there are none of a kind, there is no position.
    calls = ListedContracts([one for one in there if one.right > 0], np.unique(condors.days))
    refused = condors.decide(last, market=condors.market(last + 1, calls)).options
    assert (refused.opens, refused.refused) == ((), ((0, "no_contract"),))


def test_what_the_account_cannot_carry_is_refused():
    replay = Replayed("puts, assigned shares sold", config=replace(CONFIG, cash=8_000.0))
    assert replay.result.counters["rejected_option_money"] > 5
    for last in range(replay.program.warmup, 60):
        options = replay.decide(last).options
        if options.refused:
            break
    assert (options.opens, options.refused) == ((), ((0, "unaffordable"),))


def test_what_is_over_is_gone_before_the_broker_says_so_and_nothing_is_counted_twice():
    replay = Replayed("puts, assigned shares sold")
    trades = replay.result.option_trades
    assigned = trades[trades["exit_reason"] == OptionExitReason.ASSIGNED][0]
    bar = int(assigned["exit_bar"])
    past = [row for row in replay.rows if row.bar_ts < replay.bars.ts[bar]]
    silent = replay.decide(bar, rows=past)
    assert silent.options.held == ()
    assert silent.position == 0.0
    inside = assigned["strike"] - replay.bars.close[bar]
    assert silent.equity == pytest.approx(replay.result.equity[bar], rel=1e-12)
    assert inside > 0.01
    # A day later it says so: shares at the strike, and the option's end at zero.
    told = [row for row in replay.rows if row.bar_ts == replay.bars.ts[bar]]
    told = [row for row in told if row.kind in ("settled", "delivery")]
    late = [replace(row, bar_ts=int(replay.bars.ts[bar + 1])) for row in told]
    found = replay.decide(bar + 1, rows=[*past, *late])
    assert found.position == 100.0
    sold = 100 * (replay.bars.close[bar + 1] - replay.bars.close[bar])
    assert found.equity == pytest.approx(silent.equity + sold, rel=1e-12)


def test_what_a_book_has_open_is_what_the_decision_holds(condors):
    for last in range(condors.program.warmup, len(condors.bars) - 1, 7):
        past = [row for row in condors.rows if row.bar_ts <= int(condors.bars.ts[last])]
        held = condors.decide(last).options.held
        left = legs_left(past, day=int(condors.days[last]))
        assert {replace(leg, price=0.0) for leg in held} == set(left)


def test_what_has_expired_is_not_left_though_nobody_said_how_it_ended():
    symbol, decided = "SHARE240119P00100000", 0
    rows = [BookRow("leg_open", 1, decided, 0, side, 1.0, 2.0, symbol=symbol) for side in (1, -1)]
    rows[1] = replace(rows[1], rule=1)
    expiry = 19_741  # 2024-01-19
    assert [leg.quantity for leg in legs_left(rows, day=expiry)] == [1.0, -1.0]
    assert legs_left(rows, day=expiry + 1) == []


def test_on_a_bar_that_is_skipped_nothing_is_opened(condors):
    last = last_opening(condors, 4)
    assert condors.decide(last).options.opens
    skipped = [int(condors.bars.ts[last])]
    assert condors.decide(last, skipped=skipped).options.opens == ()
