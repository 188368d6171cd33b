"""What holds for every market, program and account that trades options beside shares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.engine.option_rules import (
    CloseWhen,
    Cycle,
    Expiry,
    OptionLeg,
    OptionOperation,
    OptionRule,
    Policy,
    Right,
    Strike,
    StrikeBy,
)
from core.engine.simulate import simulate
from core.options.config import OptionsConfig
from core.options.pricing import option_price
from core.options.simulate import simulate_with_options
from tests.engine.test_order_properties import runs as waiting_runs
from tests.engine.test_properties import runs as market_runs

RUNS = st.one_of(market_runs(), waiting_runs())

STRIKES = st.one_of(
    st.builds(Strike, st.just(StrikeBy.ATM), st.integers(-3, 3).map(float)),
    st.builds(Strike, st.just(StrikeBy.DELTA), st.sampled_from([0.1, 0.3, 0.6])),
    st.builds(Strike, st.just(StrikeBy.OTM), st.sampled_from([-0.05, 0.02, 0.2])),
    st.builds(Strike, st.just(StrikeBy.PREMIUM), st.sampled_from([0.5, 4.0])),
)
EXPIRIES = st.builds(
    Expiry, st.sampled_from([1, 5, 12, 30]), st.sampled_from(Policy), st.sampled_from(Cycle)
)
LEGS = st.builds(
    OptionLeg,
    st.sampled_from(Right),
    st.sampled_from([1, -1]),
    st.integers(1, 2),
    STRIKES,
    EXPIRIES,
)
CONDITIONS = st.builds(
    CloseWhen,
    st.sampled_from([None, 0.3]),
    st.sampled_from([None, 0.8]),
    st.sampled_from([None, 3]),
)
CONFIGS = st.builds(
    OptionsConfig,
    style=st.sampled_from(["american", "european"]),
    settlement=st.sampled_from(["physical", "cash"]),
    margin=st.sampled_from(["reg_t", "cash"]),
    rate=st.sampled_from([0.0, 0.05]),
    spread=st.sampled_from([0.0, 0.03]),
    minimum_spread=st.sampled_from([0.0, 0.05]),
    multiplier=st.sampled_from([1, 10, 100]),
)


@st.composite
def option_runs(draw: Any) -> tuple[Any, ...]:
    """A run of the engine with option rules beside its own, and what options are worth."""
    bars, columns, program, config = draw(RUNS)
    count = len(bars)
    rules = []
    triggers = list(columns)
    for _ in range(draw(st.integers(1, 2))):
        often = draw(st.booleans())
        when = np.ones(count, np.bool_) if often else np.arange(count) % 5 == 0
        triggers.append(when)
        rules.append(
            OptionRule(
                OptionOperation.OPEN,
                len(triggers) - 1,
                legs=tuple(draw(st.lists(LEGS, min_size=1, max_size=3))),
                quantity=draw(st.integers(1, 3)),
                close_when=draw(CONDITIONS),
                secured=draw(st.booleans()),
                max_positions=draw(st.integers(1, 3)),
            )
        )
    triggers.append(np.arange(count) % 11 == 10)
    rules.append(OptionRule(OptionOperation.CLOSE, len(triggers) - 1))
    names = tuple(str(number) for number in range(len(triggers)))
    program = replace(program, columns=names, option_rules=tuple(rules))
    dividends = dict.fromkeys(range(5, 40, 7), 2.0) if draw(st.booleans()) else None
    return bars, triggers, program, config, draw(CONFIGS), dividends


def run(given: tuple[Any, ...]) -> Any:
    bars, columns, program, config, options, dividends = given
    return simulate_with_options(
        bars,
        columns,
        program,
        config,
        options_config=options,
        volatility=np.full(len(bars), 0.4),
        dividends=dividends,
    )


def contracts_open(result: Any, count: int) -> dict[tuple[int, float, int], np.ndarray]:
    """Contracts held at each close, from the fills alone."""
    held: dict[tuple[int, float, int], np.ndarray] = {}
    for fill in result.option_fills:
        contract = (int(fill["right"]), float(fill["strike"]), int(fill["expiry"]))
        series = held.setdefault(contract, np.zeros(count))
        series[fill["bar"] :] += fill["side"] * fill["quantity"]
    return held


@given(option_runs())
def test_cash_shares_and_options_are_the_equity_at_every_bar(given: Any) -> None:
    bars, result = given[0], run(given)
    value = result.cash + result.position * bars.close + result.option_value
    np.testing.assert_allclose(value, result.equity, rtol=1e-9, atol=1e-6)


@given(option_runs())
def test_the_fills_alone_explain_cash_position_and_the_options(given: Any) -> None:
    bars, _, _, config, options, _ = given
    result = run(given)
    count = len(bars)
    position, cash = np.zeros(count), np.full(count, config.cash)
    for fill in result.fills:
        signed = fill["side"] * fill["quantity"]
        position[fill["bar"] :] += signed
        cash[fill["bar"] :] -= signed * fill["price"] + fill["commission"]
    for fill in result.option_fills:
        shares = fill["side"] * fill["quantity"] * fill["multiplier"]
        cash[fill["bar"] :] -= shares * fill["price"] + fill["commission"]
    np.testing.assert_allclose(result.position, position, atol=1e-9)
    np.testing.assert_allclose(result.cash, cash, rtol=1e-9, atol=1e-6)
    held = contracts_open(result, count)
    worth = np.zeros(count)
    days = bars.ts // 86_400_000_000_000
    for (right, strike, expiry), series in held.items():
        worth += (series * options.multiplier) * option_price(
            right=right,
            spot=bars.close,
            strike=strike,
            years=(expiry - days) / 365.0,
            vol=0.4,
            rate=options.rate,
            model="baw" if options.style == "american" else "bsm",
        )
    np.testing.assert_allclose(result.option_value, worth, rtol=1e-9, atol=1e-6)


@given(option_runs())
def test_trades_in_shares_and_options_add_up_to_the_change_of_equity(given: Any) -> None:
    given = (*given[:3], replace(given[3], liquidate_at_end=True), *given[4:])
    config, result = given[3], run(given)
    net = result.trades["pnl"].sum() + result.option_trades["pnl"].sum()
    np.testing.assert_allclose(result.equity[-1] - config.cash, net, rtol=1e-9, atol=1e-6)
    assert result.option_contracts[-1] == 0


@given(option_runs())
def test_no_position_outlives_its_expiry_and_every_leg_ends_once(given: Any) -> None:
    bars, result = given[0], run(given)
    days = bars.ts // 86_400_000_000_000
    for (_, _, expiry), series in contracts_open(result, len(bars)).items():
        assert not series[days >= expiry].any()
    if given[3].liquidate_at_end or result.counters["ruined"]:
        assert 2 * len(result.option_trades) == len(result.option_fills)
    assert (result.option_trades["exit_bar"] >= result.option_trades["entry_bar"]).all()
    ended = ("expired", "assigned", "exercised", "settled")
    assert sum(result.counters[f"option_{name}"] for name in ended) <= len(result.option_trades)


@given(option_runs())
def test_a_cash_account_never_owes_money_to_its_options(given: Any) -> None:
    """One position of one expiry with cash margin cannot lose more than it ties up.

    Of two expiries it can: what is left of a spread may fall before it is closed.
    """
    bars, columns, program, config, options, dividends = given
    options = replace(options, margin="cash", settlement="cash")
    rule = program.option_rules[0]
    legs = tuple(replace(leg, expiry=rule.legs[0].expiry) for leg in rule.legs)
    rule = replace(rule, legs=legs, max_positions=1)
    alone = replace(program, rules=(), option_rules=(rule,))
    result = run((bars, columns, alone, config, options, dividends))
    fees = result.option_fills["commission"].sum() + result.option_trades["slippage"].sum()
    assert result.equity.min() >= -fees - 1e-6


@given(option_runs())
def test_the_same_arguments_give_the_same_bits(given: Any) -> None:
    one, two = run(given), run(given)
    assert one.equity.tobytes() == two.equity.tobytes()
    assert str(one.option_trades.tolist()) == str(two.option_trades.tolist())


@given(RUNS)
def test_a_program_whose_option_rules_never_fire_runs_as_the_engine_runs_it(given: Any) -> None:
    bars, columns, program, config = given
    never = OptionRule(
        OptionOperation.OPEN, len(columns), legs=(OptionLeg(Right.PUT, -1),), quantity=1
    )
    with_options = replace(program, columns=(*program.columns, "never"), option_rules=(never,))
    alone = simulate(bars, columns, program, config)
    beside = simulate_with_options(
        bars, [*columns, np.zeros(len(bars), np.bool_)], with_options, config
    )
    for name in ("equity", "cash", "position", "trades", "fills"):
        assert getattr(alone, name).tolist() == getattr(beside, name).tolist(), name
    assert alone.counters.items() <= beside.counters.items()


@given(RUNS)
def test_a_program_without_option_rules_is_the_engines(given: Any) -> None:
    bars, columns, program, config = given
    result = simulate_with_options(bars, columns, program, config)
    assert type(result) is type(simulate(bars, columns, program, config))
