"""Sizes that follow the market or the strategy's own trades, with numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.engine.config import RunConfig
from core.engine.own_trades import KELLY_TRADES
from core.engine.program import Operation, Program, Rule, Size, SizeKind
from core.engine.simulate import simulate
from core.errors import InvalidInput
from tests.engine.scenario import close, flat, long, play, short


def units(result):
    return result.fills["quantity"][0] if len(result.fills) else 0


def target(value, volatilities, *, side=Operation.OPEN_LONG, prices=(100, 100, 100), **config):
    """Decide at the close of bar 0 with the volatility of each bar."""
    trigger = np.zeros(len(prices), np.bool_)
    trigger[0] = True
    size = Size(SizeKind.VOLATILITY_TARGET, value, column=1)
    program = Program(("on", "volatility"), (Rule(side, 0, size),))
    columns = [trigger, np.array(volatilities, np.float64)]
    return simulate(flat(*prices), columns, program, RunConfig.from_mapping(config))


def test_volatility_target_scales_the_position_to_the_volatility_of_the_decision():
    assert units(target(0.1, [0.4, 9, 9])) == 25  # 10,000 x 0.1 / 0.4 at 100
    assert units(target(0.1, [0.4, 9, 9], side=Operation.OPEN_SHORT)) == 25
    assert units(target(0.1, [0.4, 9, 9], prices=(100, 50, 50))) == 50  # sized at its fill
    assert units(target(0.1, [0.3, 9, 9], fractional=True)) == pytest.approx(100 / 3)
    assert units(target(0.1, [0.3, 9, 9], lot_size=10)) == 30
    assert units(target(0.1, [0.4, 9, 9], commission={"per_order": 30})) == 24


def test_volatility_target_is_limited_by_what_equity_buys_on_credit():
    assert units(target(0.5, [0.2, 9, 9])) == 100
    assert units(target(0.5, [0.2, 9, 9], margin=0.5)) == 200
    assert units(target(0.5, [0.2, 9, 9], margin=0.25)) == 250
    assert units(target(0.5, [0.0, 9, 9])) == 100


def test_an_entry_without_a_known_volatility_is_rejected_and_counted():
    result = target(0.1, [math.nan, 0.4, 0.4])
    assert len(result.fills) == 0
    assert result.counters["rejected_size"] == 1
    assert result.counters["rejected_below_lot"] == 0
    assert "no volatility was known" in " ".join(result.warnings)


def test_an_entry_worth_less_than_the_least_notional_is_rejected_whatever_sized_it():
    assert target(0.1, [0.4, 9, 9], min_notional=2_501).counters["rejected_notional"] == 1
    assert units(target(0.1, [0.4, 9, 9], min_notional=2_500)) == 25


def trades_then(gains, size, **config):
    """Make one trade of one unit for each gain, 100 to 100 + gain, and then enter with `size`."""
    prices = [100.0]
    for gain in gains:
        prices += [100.0, 100.0 + gain]
    prices += [100.0, 100.0, 100.0]
    one = Size(SizeKind.UNITS, 1)
    entries = range(0, 2 * len(gains), 2)
    return play(
        flat(*prices),
        long(*entries, size=one),
        close(*[bar + 1 for bar in entries]),
        short(2 * len(gains) + 1, size=size),
        **config,
    )


def last_units(result):
    (entry,) = result.fills[result.fills["rule"] == 2][:1]
    return entry["quantity"]


FOURTEEN_OF_TWENTY = [3.0, -2.0, 3.0, -2.0, 3.0, 3.0, 3.0, -2.0, 3.0, 3.0] * 2


def test_kelly_bets_its_fraction_of_the_trades_so_far():
    # 14 of 20 won, 3 against 2: 0.7 - 0.3 / 1.5 = 0.5 of an equity of 10,000 + 42 - 12.
    half = Size(SizeKind.KELLY, 0.5, start=0.1)
    assert KELLY_TRADES == 20
    assert last_units(trades_then(FOURTEEN_OF_TWENTY, half, fractional=True)) == pytest.approx(
        10_030 * 0.25 / 100
    )
    assert last_units(trades_then(FOURTEEN_OF_TWENTY, half)) == 25
    capped = Size(SizeKind.KELLY, 1.0, start=0.1, most=0.2)
    assert last_units(trades_then(FOURTEEN_OF_TWENTY, capped)) == 20
    # Credit does not make a bet larger.
    assert last_units(trades_then(FOURTEEN_OF_TWENTY, half, margin=0.1)) == 25


def test_kelly_bets_its_start_until_enough_trades_were_won_or_lost():
    half = Size(SizeKind.KELLY, 0.5, start=0.1)
    assert last_units(trades_then(FOURTEEN_OF_TWENTY[:19], half)) == 10
    # Trades without profit or loss say nothing.
    assert last_units(trades_then([*FOURTEEN_OF_TWENTY[:19], 0.0], half)) == 10
    never = trades_then([3.0], Size(SizeKind.KELLY, 0.5, start=0.0))
    assert never.counters["rejected_size"] == 1


@pytest.mark.parametrize("gains", [[-1.0] * 20, [1.0, -1.0] * 10, [2.0, -3.0] * 10])
def test_kelly_bets_nothing_without_an_edge(gains):
    result = trades_then(gains, Size(SizeKind.KELLY, 0.5, start=0.1))
    assert len(result.fills) == 40
    assert result.counters["rejected_size"] == 1


def test_kelly_without_a_loss_bets_its_fraction_of_equity():
    result = trades_then([1.0] * 20, Size(SizeKind.KELLY, 0.5), fractional=True)
    assert last_units(result) == pytest.approx(10_020 * 0.5 / 100)


@pytest.mark.parametrize(
    ("profit", "contracts"), [(-50, 1), (0, 1), (99, 1), (100, 2), (299, 2), (300, 3), (600, 4)]
)
def test_fixed_ratio_adds_a_contract_after_each_further_profit(profit, contracts):
    ratio = Size(SizeKind.FIXED_RATIO, 100.0, start=5.0)
    result = trades_then([float(profit)], ratio)
    assert last_units(result) == 5 * contracts
    assert last_units(trades_then([float(profit)], ratio, lot_size=1, cash=1e6)) == 5 * contracts


def test_fixed_ratio_never_shrinks_an_order_that_cannot_be_paid():
    result = play(flat(100, 100, 100), long(0, size=Size(SizeKind.FIXED_RATIO, 1.0, start=101.0)))
    assert result.counters["rejected_unaffordable"] == 1


@pytest.mark.parametrize(
    ("size", "key"),
    [
        (Size(SizeKind.VOLATILITY_TARGET, 0.1), "size.column"),
        (Size(SizeKind.VOLATILITY_TARGET, 0.1, column=0), "size.column"),
        (Size(SizeKind.KELLY, 1.5), "size.value"),
        (Size(SizeKind.KELLY, 0.5, most=0.0), "size.most"),
        (Size(SizeKind.KELLY, 0.5, start=-0.1), "size.start"),
        (Size(SizeKind.FIXED_RATIO, 100.0), "size.start"),
        (Size(SizeKind.UNITS, 1.0, column=0), "size.column"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(size, key):
    with pytest.raises(InvalidInput) as caught:
        play(flat(100, 100, 100), long(0, size=size))
    assert [detail.path for detail in caught.value.details] == [f"program.rules[0].{key}"]


@pytest.mark.parametrize("kind", [SizeKind.KELLY, SizeKind.FIXED_RATIO])
def test_the_reference_does_not_know_them(kind):
    with pytest.raises(InvalidInput, match="not known to the reference"):
        play(flat(100, 100, 100), long(0, size=Size(kind, 0.5, start=0.5)), profile="reference")
