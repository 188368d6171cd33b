"""What holds for every market, program and account."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Operation, Program, Rule, Size, SizeKind, Stop, StopKind
from core.engine.result import ExitReason
from core.engine.simulate import simulate
from tests.engine.scenario import market

PRICE = st.integers(20, 200)


@st.composite
def markets(draw: Any) -> Bars:
    count = draw(st.integers(2, 40))
    rows = []
    for _ in range(count):
        prices = sorted(draw(st.tuples(PRICE, PRICE, PRICE, PRICE)))
        low, inner, outer, high = prices
        rows.append((inner, high, low, outer) if draw(st.booleans()) else (outer, high, low, inner))
    return market(rows)


GUARDS = st.one_of(
    st.none(),
    st.builds(Stop, st.just(StopKind.PERCENT), st.sampled_from([0.02, 0.1, 0.4])),
    st.just(Stop(StopKind.MULTIPLE, 2.0, 4)),
)
SIZES = st.one_of(
    st.builds(Size, st.just(SizeKind.UNITS), st.integers(1, 150).map(float)),
    st.builds(Size, st.just(SizeKind.CASH), st.sampled_from([500.0, 5_000.0])),
    st.builds(Size, st.just(SizeKind.PERCENT_OF_EQUITY), st.sampled_from([0.2, 0.5, 1.0])),
)


@st.composite
def runs(draw: Any) -> tuple[Bars, list[Any], Program, RunConfig]:
    bars = draw(markets())
    count = len(bars)
    triggers = st.lists(st.booleans(), min_size=count, max_size=count).map(np.array)
    columns = [draw(triggers) for _ in range(4)] + [np.full(count, 7.0)]
    rules = (
        Rule(Operation.OPEN_LONG, 0, draw(SIZES), stop_loss=draw(GUARDS), take_profit=draw(GUARDS)),
        Rule(
            Operation.OPEN_SHORT, 1, draw(SIZES), stop_loss=draw(GUARDS), take_profit=draw(GUARDS)
        ),
        Rule(Operation.CLOSE_LONG, 2, fraction=draw(st.sampled_from([1.0, 0.5, 0.1]))),
        Rule(Operation.CLOSE, 3, fraction=draw(st.sampled_from([1.0, 0.3]))),
    )
    entries = draw(st.integers(1, 3))
    program = Program(
        tuple("abcde"), rules, warmup=draw(st.integers(0, 3)), max_open_entries=entries
    )
    margin = draw(st.sampled_from([1.0, 0.5, 0.2]))
    config = RunConfig.from_mapping(
        {
            "cash": 10_000.0,
            "commission": {
                "percent": draw(st.sampled_from([0.0, 0.002])),
                "per_order": draw(st.sampled_from([0.0, 2.0])),
                "per_unit": draw(st.sampled_from([0.0, 0.05])),
                "maximum": draw(st.sampled_from([None, 5.0])),
            },
            "slippage": {"bps": draw(st.sampled_from([0.0, 20.0]))},
            "spread": draw(st.sampled_from([0.0, 0.004])),
            "margin": margin,
            "maintenance_margin": draw(st.sampled_from([None, margin / 2])),
            "exclusive": draw(st.booleans()),
            "fractional": draw(st.booleans()),
            "trade_on_close": draw(st.booleans()),
            "liquidate_at_end": draw(st.booleans()),
        }
    )
    return bars, columns, program, config


@given(runs())
def test_cash_and_the_marked_position_are_the_equity_at_every_bar(run: Any) -> None:
    bars, columns, program, config = run
    result = simulate(bars, columns, program, config)
    value = result.cash + result.position * bars.close
    np.testing.assert_allclose(value, result.equity, rtol=1e-9, atol=1e-6)


@given(runs())
def test_the_fills_alone_explain_cash_position_and_equity(run: Any) -> None:
    bars, columns, program, config = run
    result = simulate(bars, columns, program, config)
    position, cash = np.zeros(len(bars)), np.full(len(bars), config.cash)
    for fill in result.fills:
        signed = fill["side"] * fill["quantity"]
        position[fill["bar"] :] += signed
        cash[fill["bar"] :] -= signed * fill["price"] + fill["commission"]
    np.testing.assert_allclose(result.position, position, atol=1e-9)
    np.testing.assert_allclose(result.cash, cash, rtol=1e-9, atol=1e-6)


@given(runs())
def test_trades_and_the_open_position_add_up_to_the_change_of_equity(run: Any) -> None:
    bars, columns, program, config = run
    result = simulate(bars, columns, program, config)
    net = result.trades["pnl"].sum()
    # What the trades do not explain is the open position: its marks and its entry commissions.
    paid = result.fills["commission"].sum() - result.trades["commission"].sum()
    bought = (result.fills["side"] * result.fills["quantity"] * result.fills["price"]).sum()
    closed = result.trades["side"] * result.trades["quantity"]
    basis = bought + (closed * (result.trades["exit_price"] - result.trades["entry_price"])).sum()
    open_pnl = result.position[-1] * bars.close[-1] - basis - paid
    np.testing.assert_allclose(result.equity[-1] - config.cash, net + open_pnl, atol=1e-6)
    if not result.position[-1]:
        np.testing.assert_allclose(result.equity[-1] - config.cash, net, atol=1e-6)


@given(runs())
def test_no_fill_is_outside_its_bar_nor_better_than_the_market(run: Any) -> None:
    bars, columns, program, config = run
    fills = simulate(bars, columns, program, config).fills
    assert (fills["reference_price"] >= bars.low[fills["bar"]]).all()
    assert (fills["reference_price"] <= bars.high[fills["bar"]]).all()
    assert (fills["side"] * (fills["price"] - fills["reference_price"]) >= 0).all()
    assert (fills["quantity"] > 0).all()
    assert (fills["ts"] == bars.ts[fills["bar"]]).all()
    assert (np.diff(fills["bar"]) >= 0).all()


@given(runs())
def test_every_signal_fill_has_its_trigger_on_the_bar_before(run: Any) -> None:
    bars, columns, program, config = run
    fills = simulate(bars, columns, program, config).fills
    by_rule = fills[np.isin(fills["reason"], [ExitReason.SIGNAL, ExitReason.REVERSAL])]
    for fill in by_rule:
        decided = fill["bar"] - (not config.trade_on_close)
        assert columns[program.rules[fill["rule"]].trigger][decided]
        assert decided >= program.warmup


@given(runs())
def test_no_entry_is_beyond_what_the_equity_can_carry(run: Any) -> None:
    bars, columns, program, config = run
    result = simulate(bars, columns, program, config)
    cash, position = config.cash, 0.0
    for fill in result.fills:
        price = fill["reference_price"]
        signed = fill["side"] * fill["quantity"]
        if abs(position + signed) > abs(position):
            free = (cash + position * price) / config.margin - abs(position) * price
            assert fill["quantity"] * fill["price"] + fill["commission"] <= free * (1 + 1e-9)
            assert config.fractional or fill["quantity"] == round(fill["quantity"])
        cash -= signed * fill["price"] + fill["commission"]
        position += signed


@given(runs())
def test_there_are_never_more_open_entries_than_allowed(run: Any) -> None:
    bars, columns, program, config = run
    trades = simulate(bars, columns, program, config).trades
    # Parts of one lot share their entry; a lot is held over the closes it lives through.
    for bar in range(len(bars)):
        held = trades[(trades["entry_bar"] <= bar) & (bar < trades["exit_bar"])]
        assert len(np.unique(held["entry_bar"])) <= program.max_open_entries


@given(runs(), st.integers(1, 40))
def test_a_shorter_history_gives_the_same_fills_and_curves(run: Any, cut: int) -> None:
    bars, columns, program, config = run
    assume(cut < len(bars))
    whole = simulate(bars, columns, program, config)
    part = simulate(bars.slice(0, cut), [column[:cut] for column in columns], program, config)
    last = cut - 1
    for name in whole.fills.dtype.names or ():
        assert (
            whole.fills[whole.fills["bar"] < last][name].tolist()
            == part.fills[part.fills["bar"] < last][name].tolist()
        )
    assert whole.equity[:last].tolist() == part.equity[:last].tolist()


@given(runs())
def test_excursions_enclose_the_result_of_a_trade(run: Any) -> None:
    bars, columns, program, config = run
    trades = simulate(bars, columns, program, config).trades
    move = trades["side"] * (trades["exit_price"] / trades["entry_price"] - 1)
    assert (trades["mae"] <= np.minimum(move, 0) + 1e-12).all()
    assert (trades["mfe"] >= np.maximum(move, 0) - 1e-12).all()
    assert (trades["entry_bar"] <= trades["exit_bar"]).all()
    assert (np.diff(trades["exit_bar"]) >= 0).all()


@given(runs())
def test_a_run_repeats_itself_bit_for_bit_and_leaves_its_arguments_alone(run: Any) -> None:
    bars, columns, program, config = run
    before = [column.copy() for column in columns]
    first, second = (simulate(bars, columns, program, config) for _ in range(2))
    assert first.equity.tobytes() == second.equity.tobytes()
    for name in first.trades.dtype.names or ():
        assert first.trades[name].tobytes() == second.trades[name].tobytes()
    assert all((a == b).all() for a, b in zip(before, columns, strict=True))
