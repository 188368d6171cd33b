"""The live decision with options against the backtest: the same contracts on the same bars."""

from __future__ import annotations

import numpy as np
import pytest

from brokers.deployments.option_book import ROLES
from brokers.deployments.option_decision import OptionMarket, decide_with_options
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.options.config import OptionsConfig
from core.options.expiries import ExpiryCalendar
from core.options.result import OptionExitReason
from core.options.simulate import simulate_with_options
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_parse
from tests.brokers.deployments.option_graphs import ENDS, GRAPHS, PARAMETERS, rows_of
from tests.options.walk import DAY_NS, weekdays

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

    def __init__(self, name, *, seed=3, length=160, config=CONFIG, options=OPTIONS):
        self.bars, self.config, self.options = bars_random(length, seed=seed), config, options
        self.plan = graph_compile(graph_parse(GRAPHS[name]), PARAMETERS.get(name, {}))
        whole = plan_evaluate(self.plan, self.bars, charts=False)
        self.program, self.days = whole.program, self.bars.ts // DAY_NS
        self.left = np.ones(length), np.zeros(length)
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


def of_legs(legs):
    return {(leg.symbol, leg.side, leg.quantity) for leg in legs}


@pytest.mark.parametrize("name", list(GRAPHS))
def test_contracts_and_closings_are_the_backtests_bar_by_bar(name):
    replay = Replayed(name)
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
    assert closed + ended >= 6
