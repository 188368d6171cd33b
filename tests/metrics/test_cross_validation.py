"""The probability of backtest overfitting: worked out by hand, as the paper expects, and faults."""

from __future__ import annotations

from itertools import combinations
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.metrics.cross_validation import Overfitting, overfitting_probability
from core.metrics.value import Undefined

UP = np.array([0.01, 0.03])  # mean 0.02, deviation 0.01 x sqrt(2)
DOWN = -UP


def test_a_trial_that_is_best_everywhere_is_not_overfitted():
    found = overfitting_probability(np.column_stack((np.tile(UP, 2), np.tile(DOWN, 2))), blocks=2)
    assert (found.probability, found.loss_probability) == (0.0, 0.0)
    assert found.logits == pytest.approx([log(2.0)] * 2)  # rank 2 of 2 is 2 / 3
    assert found.degradation == Undefined("the Sharpe ratio in sample does not vary")


def test_a_trial_that_is_best_in_one_half_and_worst_in_the_other_is():
    turning = np.column_stack((np.concatenate((UP, DOWN)), np.concatenate((DOWN, UP))))
    found = overfitting_probability(turning, blocks=2)
    assert (found.probability, found.loss_probability) == (1.0, 1.0)
    assert found.logits == pytest.approx([-log(2.0)] * 2)


def test_degradation_is_the_slope_of_out_of_sample_on_in_sample():
    """The first half picks the first trial: 2 r2, then -r2; the second the other: 3 r2, then 0."""
    first = np.concatenate((UP + 0.01, DOWN + 0.005))  # means 0.03, -0.015
    other = np.concatenate((UP - 0.02, UP + 0.025))  # means 0, 0.045
    found = overfitting_probability(np.column_stack((first, other)), blocks=2)
    unit = 0.01 * sqrt(2.0)
    inside, outside = np.array([0.03, 0.045]) / unit, np.array([-0.015, 0.0]) / unit
    slope = (outside[1] - outside[0]) / (inside[1] - inside[0])
    assert found.degradation == pytest.approx(slope)
    assert found.loss_probability == 0.5


def plainly(returns, blocks):
    """The definition, split by split."""
    parts = np.array_split(returns, blocks)
    logits = []
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[block] for block in chosen])
        outside = np.concatenate([parts[block] for block in range(blocks) if block not in chosen])
        best = (inside.mean(axis=0) / inside.std(axis=0, ddof=1)).argmax()
        worth = outside.mean(axis=0) / outside.std(axis=0, ddof=1)
        share = ((worth < worth[best]).sum() + 1) / (returns.shape[1] + 1)
        logits.append(log(share / (1.0 - share)))
    return np.array(logits)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999),
    blocks=st.sampled_from([2, 4, 6, 8]),
    trials=st.integers(2, 7),
    periods=st.integers(16, 70),
)
def test_it_is_what_the_definition_gives_split_by_split(seed, blocks, trials, periods):
    returns = np.random.default_rng(seed).normal(0.001, 0.01, (periods, trials))
    found = overfitting_probability(returns, blocks=blocks)
    expected = plainly(returns, blocks)
    assert found.logits == pytest.approx(expected)
    assert found.probability == (expected <= 0.0).mean()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), scale=st.sampled_from([0.125, 4.0]))
def test_neither_scale_nor_the_order_of_trials_matters(seed, scale):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.001, 0.01, (40, 5))
    one = overfitting_probability(returns, blocks=6)
    other = overfitting_probability(returns[:, rng.permutation(5)] * scale, blocks=6)
    assert other.logits == pytest.approx(one.logits)
    assert other.degradation == pytest.approx(one.degradation)


def test_one_good_trial_among_noise_is_found_and_noise_alone_is_not():
    rng = np.random.default_rng(7)
    noise = rng.normal(0.0, 0.01, (480, 50))
    alone = overfitting_probability(noise)
    assert len(alone.logits) == 12_870
    assert 0.2 < alone.probability < 0.8
    noise[:, 20] += 0.003
    assert overfitting_probability(noise).probability < 0.01


def test_more_trials_than_fit_a_chunk_give_the_same():
    rng = np.random.default_rng(8)
    few = rng.normal(0.0, 0.01, (64, 3))
    many = np.tile(few, (1, 30_000))  # equal trials share their ranks
    one, other = (overfitting_probability(of, blocks=8) for of in (few, many))
    assert isinstance(one, Overfitting)
    assert isinstance(other, Overfitting)
    assert other.degradation == pytest.approx(one.degradation)
    assert np.sign(other.logits).tolist() == np.sign(one.logits).tolist()


def test_trials_that_never_move_are_worth_nothing_and_share_their_rank():
    idle = overfitting_probability(np.zeros((8, 3)), blocks=4)
    assert (idle.probability, idle.loss_probability) == (1.0, 0.0)
    assert idle.logits.tolist() == [0.0] * 6
    losing = np.column_stack((np.tile(DOWN, 4), np.zeros(8)))
    assert overfitting_probability(losing, blocks=4).probability == 0.0  # doing nothing was best


def test_what_cannot_be_split_is_undefined():
    good = np.random.default_rng(1).normal(0.0, 0.01, (40, 3))
    few = overfitting_probability(good[:, :1])
    assert few == Undefined("there are fewer than two trials")
    assert overfitting_probability(good[:31]) == Undefined("there are fewer than 32 periods")
    good[5, 1] = np.nan
    assert overfitting_probability(good) == Undefined("a return is not a finite number")


@pytest.mark.parametrize("blocks", [0, 3, 22])
def test_blocks_that_cannot_be_halved_are_refused(blocks):
    with pytest.raises(InvalidInput, match="even number from 2 to 20"):
        overfitting_probability(np.zeros((40, 3)), blocks=blocks)
    with pytest.raises(InvalidInput, match="matrix of periods and trials"):
        overfitting_probability(np.zeros(40))
