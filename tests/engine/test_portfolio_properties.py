"""What holds for every portfolio, program and account."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import core.engine.portfolio
from core.engine.config import RunConfig
from core.engine.listed import Listed
from core.engine.portfolio import PortfolioResult, simulate_portfolio
from core.engine.program import AccountField, Instruction, Op, Operation, Program, Rule
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from core.engine.tables import Tables, tables_new
from core.engine.timeline import _merge, timeline_find
from tests.engine.portfolio_scenario import history_drawn
from tests.engine.scenario import DAY_NS
from tests.engine.test_order_properties import GUARDS, SIZES, orders

ARRAYS = ("ts", "equity", "cash", "gross", "positions", "position", "earned")
TABLES = ("trades", "fills", "alerts")
GAIN = (Instruction(Op.FIELD, AccountField.UNREALIZED_PNL_PCT), Instruction(Op.PUSH, value=3.0),
        Instruction(Op.LESS), Instruction(Op.STORE, 0))  # fmt: skip
SLIPPAGE = ({}, {"bps": 20.0}, {"model": "volatility"}, {"model": "volume_share"})


class Portfolio(NamedTuple):
    listed: list[Listed]
    program: Program
    config: RunConfig

    def run(self) -> PortfolioResult:
        return simulate_portfolio(*self)


def opening(draw: Any, number: int, operation: Operation, *, guard: int) -> Rule:
    return Rule(
        operation, number, draw(SIZES), stop_loss=draw(GUARDS), take_profit=draw(GUARDS),
        trailing=draw(GUARDS), max_bars=draw(st.sampled_from([0, 0, 1, 4])), order=draw(orders()),
        guard=guard,
    )  # fmt: skip


def config_drawn(draw: Any, count: int) -> RunConfig:
    margin = draw(st.sampled_from([1.0, 0.3]))
    places = draw(st.one_of(st.none(), st.integers(1, count)))
    full = draw(st.booleans())
    return RunConfig.from_mapping(
        {
            "commission": {"percent": draw(st.sampled_from([0.0, 0.002]))},
            "slippage": draw(st.sampled_from(SLIPPAGE)),
            "spread": draw(st.sampled_from([0.0, 0.004])),
            "margin": margin,
            "maintenance_margin": draw(st.sampled_from([None, 0.9 * margin])),
            "borrow_rate": draw(st.sampled_from([0.0, 0.5])),
            "financing_rate": draw(st.sampled_from([0.0, 0.5])),
            "exclusive": draw(st.booleans()),
            "fractional": draw(st.booleans()),
            "participation": draw(st.sampled_from([None, 0.05])),
            "tick_size": draw(st.sampled_from([0.0, 0.25])),
            "liquidate_at_end": draw(st.booleans()),
            "allocation": {
                "method": "full" if full else "equal",
                "max_positions": places,
                "rotate": places is not None and draw(st.booleans()),
            },
        }
    )


@st.composite
def portfolios(draw: Any, least: int = 1, most: int = 5, *, gaps: bool = True) -> Portfolio:
    count, days = draw(st.integers(least, most)), draw(st.integers(3, 50))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    often = draw(st.sampled_from([0.05, 0.3]))
    coded = draw(st.booleans())
    rules = (
        opening(draw, 0, Operation.OPEN_LONG, guard=-1),
        opening(draw, 1, Operation.OPEN_SHORT, guard=0 if coded else -1),
        Rule(Operation.CLOSE, 2, fraction=draw(st.sampled_from([1.0, 0.5])), order=draw(orders())),
        Rule(draw(st.sampled_from([Operation.CANCEL_ORDERS, Operation.ALERT])), 3),
    )
    program = Program(
        tuple("abcdefg"), rules, max_open_entries=draw(st.integers(1, 3)), rank=6,
        code=GAIN if coded else (), registers=int(coded),
    )  # fmt: skip
    listed = []
    for number in range(count):
        held, bars = history_drawn(rng, days, gaps=gaps)
        columns: list[NDArray[Any]] = [*(rng.random((4, len(held))) < often)]
        ranks = rng.choice([-1.0, 0.0, 1.0, np.nan], len(held))
        columns += [np.full(len(held), 7.0), bars.close * 0.97, ranks]
        listed.append(Listed(f"S{number}", bars, columns, int(rng.integers(0, 3))))
    return Portfolio(listed, program, config_drawn(draw, count))


def same(one: PortfolioResult, other: PortfolioResult) -> bool:
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ARRAYS
    ) and all(
        np.array_equal(getattr(one, table)[column], getattr(other, table)[column])
        for table in TABLES
        for column in getattr(one, table).dtype.names
    )


@given(portfolios(), st.randoms())
def test_the_order_of_the_instruments_makes_no_difference(portfolio: Portfolio, rng: Any) -> None:
    mixed = list(portfolio.listed)
    rng.shuffle(mixed)
    one, other = portfolio.run(), portfolio._replace(listed=mixed).run()
    assert one.symbols == other.symbols
    assert one.counters == other.counters
    assert same(one, other)


@given(portfolios(most=1))
def test_a_portfolio_of_one_is_a_run_on_it_alone(portfolio: Portfolio) -> None:
    (alone,), program, config = portfolio
    together = portfolio.run()
    program = dataclasses.replace(program, warmup=alone.warmup)
    result = simulate(alone.bars, alone.columns, program, config)
    if config.borrow_rate or config.financing_rate:
        # Interest and fees are taken from the balance one by one, not as one sum.
        assert together.fills["rule"].tolist() == result.fills["rule"].tolist()
        for name in ("equity", "cash", "position"):
            np.testing.assert_allclose(
                getattr(together, name), getattr(result, name), rtol=1e-12, atol=1e-9
            )
        return
    for name in ("equity", "cash", "position"):
        assert getattr(together, name).tobytes() == getattr(result, name).tobytes()
    for name in TABLES:
        assert getattr(together, name).tolist() == getattr(result, name).tolist()
    assert together.counters == result.counters


def held_after_fills(result: PortfolioResult) -> NDArray[np.float64]:
    """Return signed units by instrument and moment, from the fills alone."""
    units = np.zeros((len(result.symbols), len(result.ts)))
    for fill in result.fills:
        units[fill["instrument"], fill["bar"] :] += fill["side"] * fill["quantity"]
    units[np.abs(units) < 1e-9] = 0.0
    return units


def closes_known(portfolio: Portfolio, result: PortfolioResult) -> NDArray[np.float64]:
    """Return the last close of each instrument at each moment; zero before its first."""
    found = np.zeros((len(result.symbols), len(result.ts)))
    for number, one in enumerate(portfolio.listed):
        place = np.searchsorted(one.bars.ts, result.ts, side="right") - 1
        found[number] = np.where(place < 0, 0.0, one.bars.close[np.maximum(place, 0)])
    return found


@given(portfolios())
def test_the_fills_alone_explain_the_account_at_every_moment(portfolio: Portfolio) -> None:
    result = portfolio.run()
    lived = len(result.ts)
    if result.counters["ruined"]:
        lived = int(result.fills["bar"][-1])
    units, closes = held_after_fills(result), closes_known(portfolio, result)
    value = (units * closes).sum(axis=0)
    near = {"rtol": 1e-9, "atol": 1e-5}
    np.testing.assert_allclose((result.cash + value)[:lived], result.equity[:lived], **near)
    np.testing.assert_allclose((np.abs(units) * closes).sum(axis=0), result.gross, **near)
    assert (units != 0.0).sum(axis=0).tolist() == result.positions.tolist()
    fills, spent = result.fills, np.zeros(len(result.ts))
    np.add.at(
        spent, fills["bar"],
        fills["side"] * fills["quantity"] * fills["price"] + fills["commission"],
    )  # fmt: skip
    carried = result.counters["borrow_paid"] + result.counters["financing_paid"]
    owed = portfolio.config.cash - np.cumsum(spent) - result.cash
    assert owed[-1] <= carried + 1e-5
    assert abs(owed[-1] - carried) < 1e-5
    assert (np.diff(owed) >= -1e-5).all()


@given(portfolios())
def test_positions_by_bar_are_those_of_the_fills(portfolio: Portfolio) -> None:
    result = portfolio.run()
    units = held_after_fills(result)
    for number, one in enumerate(portfolio.listed):
        moments = np.searchsorted(result.ts, one.bars.ts)
        found = result.position[result.rows(number)]
        np.testing.assert_allclose(found, units[number, moments], atol=1e-9)


@given(portfolios())
def test_trades_and_open_positions_add_up_to_what_was_earned(portfolio: Portfolio) -> None:
    result = portfolio.run()
    trades, near = result.trades, {"rtol": 1e-9, "atol": 1e-5}
    change = result.equity[-1] - portfolio.config.cash
    interest = result.counters["financing_paid"]
    np.testing.assert_allclose(result.earned.sum() - interest, change, **near)
    if portfolio.config.liquidate_at_end or result.counters["ruined"]:
        paid = interest + result.counters["borrow_paid"]
        np.testing.assert_allclose(trades["pnl"].sum() - paid, change, **near)
        if not result.counters["borrow_paid"]:
            each = np.bincount(
                trades["instrument"], weights=trades["pnl"], minlength=len(result.symbols)
            )
            np.testing.assert_allclose(each, result.earned, **near)


@given(portfolios(least=2))
def test_there_are_never_more_positions_than_places(portfolio: Portfolio) -> None:
    result = portfolio.run()
    places = portfolio.config.allocation.max_positions or len(result.symbols)
    units = np.zeros(len(result.symbols))
    for fill in result.fills:
        units[fill["instrument"]] += fill["side"] * fill["quantity"]
        assert (np.abs(units) > 1e-9).sum() <= places
    assert result.positions.max() <= places


@given(portfolios())
def test_no_fill_is_outside_a_bar_of_its_instrument_nor_in_that_of_its_decision(
    portfolio: Portfolio,
) -> None:
    result = portfolio.run()
    forced = (ExitReason.END, ExitReason.RUIN)
    for number, one in enumerate(portfolio.listed):
        fills = result.fills[result.fills["instrument"] == number]
        fills = fills[~np.isin(fills["reason"], forced)]
        place = np.searchsorted(one.bars.ts, fills["ts"])
        assert (one.bars.ts[place] == fills["ts"]).all()
        assert (result.ts[fills["bar"]] == fills["ts"]).all()
        rounding = 1e-12 * one.bars.high[place]
        assert (fills["reference_price"] >= one.bars.low[place] - rounding).all()
        assert (fills["reference_price"] <= one.bars.high[place] + rounding).all()
        assert (place > one.warmup).all()


@given(portfolios(), st.floats(0.0, 1.0))
def test_a_shorter_history_gives_the_same_fills_and_alerts(
    portfolio: Portfolio, part: float
) -> None:
    whole = portfolio.run()
    first = max(int(one.bars.ts[0]) for one in portfolio.listed)
    rest = whole.ts[whole.ts >= first]
    until = int(rest[int(part * (len(rest) - 1))])
    early = portfolio._replace(listed=[cut(one, until) for one in portfolio.listed]).run()
    fills = early.fills[early.fills["reason"] != ExitReason.END]
    assert fills.tolist() == whole.fills[: len(fills)].tolist()
    assert (whole.fills["ts"][len(fills) :] >= until).all()
    assert early.alerts.tolist() == whole.alerts[whole.alerts["ts"] <= until].tolist()
    length = len(early.ts) - 1
    for name in ("equity", "cash", "gross", "positions"):
        assert getattr(early, name)[:length].tolist() == getattr(whole, name)[:length].tolist()


def cut(one: Listed, until: int) -> Listed:
    length = int(np.searchsorted(one.bars.ts, until, side="right"))
    columns = [column[:length] for column in one.columns]
    return dataclasses.replace(one, bars=one.bars.slice(0, length), columns=columns)


@given(st.integers(1, 6), st.integers(1, 12))
def test_one_union_of_times_is_merged_as_any_other(count: int, length: int) -> None:
    ts = np.tile(np.arange(length) * DAY_NS, count)
    starts = np.arange(0, ts.size + 1, length)
    quick, merged = timeline_find(ts, starts), _merge(ts, starts)
    assert [column.tolist() for column in quick] == [column.tolist() for column in merged]


@given(st.lists(st.sets(st.integers(0, 12), min_size=1), min_size=1, max_size=5))
def test_a_timeline_is_the_rows_by_time_and_instrument(histories: Sequence[set[int]]) -> None:
    ts = np.concatenate([sorted(days) for days in histories]).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum([len(days) for days in histories])]).astype(np.int64)
    found = timeline_find(ts, starts)
    owners = np.repeat(np.arange(len(histories)), np.diff(starts))
    order = np.lexsort((owners, ts))
    assert found.ts.tolist() == sorted(set().union(*histories))
    assert found.rows.tolist() == order.tolist()
    assert found.owners.tolist() == owners[order].tolist()
    assert found.places.tolist() == [
        *np.searchsorted(ts[order], found.ts).tolist(), ts.size
    ]  # fmt: skip


def test_tables_that_run_short_grow_in_the_middle_of_a_run(monkeypatch: Any) -> None:
    rng = np.random.default_rng(5)
    rules = (Rule(Operation.OPEN_LONG, 0), Rule(Operation.CLOSE, 1))
    listed = []
    for number in range(4):
        held, bars = history_drawn(rng, 200, gaps=True)
        columns = [*(rng.random((2, len(held))) < 0.7)]
        listed.append(Listed(f"S{number}", bars, columns, 0))
    portfolio = Portfolio(listed, Program(("a", "b"), rules), RunConfig(fractional=True))
    roomy = portfolio.run()
    grown = []

    def small(*arguments: Any) -> Tables:
        made = tables_new(*arguments)
        room = 3 * (made.lots.size + made.tickets.size) + 6
        return made._replace(fills=made.fills[:room].copy(), trades=made.trades[:room].copy())

    def larger(tables: Tables, grow: Any = Tables.grown) -> Tables:
        grown.append(len(tables.fills))
        return grow(tables)

    monkeypatch.setattr(core.engine.portfolio, "tables_new", small)
    monkeypatch.setattr(Tables, "grown", larger)
    assert same(portfolio.run(), roomy)
    assert len(grown) > 3
    assert len(roomy.fills) > 200
