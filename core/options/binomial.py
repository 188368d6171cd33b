"""Options on a binomial tree: Cox, Ross and Rubinstein (1979), Leisen and Reimer (1996).

The tree of Cox, Ross and Rubinstein converges slowly and zigzags with the number of steps. That of
Leisen and Reimer ("Binomial models for option valuation", *Applied Mathematical Finance* 3) centres
on the strike and converges smoothly: 101 steps are good for a tenth of a cent on a share of 100.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from core.engine.jit import inlined
from core.options.european import Terms, bsm_price, d_plus, intrinsic, moved
from core.options.jit import looped


class Tree(NamedTuple):
    """The shape of a tree: its steps, the factors of one, and the probability of a rise."""

    steps: int
    up: float
    down: float
    rise: float


@looped
def tree_price(t: Terms, steps: int, american: bool, leisen_reimer: bool) -> float:  # noqa: FBT001 - compiled code takes its arguments by place
    """Price by a tree of `steps`; Leisen and Reimer's are odd: an even number is made larger.

    A price so far from the strike that no path of the tree comes near it has the closed form's.
    """
    if t.years > 0.0 and t.vol > 0.0:
        tree = _leisen_reimer(t, steps + 1 - steps % 2) if leisen_reimer else _crr(t, steps)
        if 0.0 < tree.rise < 1.0:
            return _rolled_back(t, tree, american)
    held = bsm_price(t)
    return max(held, intrinsic(t)) if american else held


@inlined
def _crr(t: Terms, steps: int) -> Tree:
    step = t.years / steps
    up = math.exp(t.vol * math.sqrt(step))
    growth = math.exp((t.rate - t.dividend_yield) * step)
    return Tree(steps, up, 1.0 / up, (growth - 1.0 / up) / (up - 1.0 / up))


@inlined
def _leisen_reimer(t: Terms, steps: int) -> Tree:
    growth = math.exp((t.rate - t.dividend_yield) * t.years / steps)
    plus = d_plus(t)
    share = _peizer_pratt(plus, steps)
    rise = _peizer_pratt(plus - t.vol * math.sqrt(t.years), steps)
    up = growth * share / rise
    return Tree(steps, up, (growth - rise * up) / (1.0 - rise), rise)


@inlined
def _peizer_pratt(z: float, steps: int) -> float:
    """Return a binomial probability from a normal quantile: Peizer and Pratt's second inversion."""
    scaled = z / (steps + 1.0 / 3.0 + 0.1 / (steps + 1.0))
    spread = math.sqrt(0.25 - 0.25 * math.exp(-scaled * scaled * (steps + 1.0 / 6.0)))
    return 0.5 + math.copysign(spread, z)


@looped
def _rolled_back(t: Terms, tree: Tree, american: bool) -> float:  # noqa: FBT001 - as above
    discount = math.exp(-t.rate * t.years / tree.steps)
    ratio = tree.up / tree.down
    values = np.empty(tree.steps + 1)
    price = t.spot * tree.down**tree.steps
    for node in range(tree.steps + 1):
        values[node] = intrinsic(moved(t, price, t.years, t.vol))
        price *= ratio
    for level in range(tree.steps - 1, -1, -1):
        price = t.spot * tree.down**level
        for node in range(level + 1):
            held = discount * (tree.rise * values[node + 1] + (1.0 - tree.rise) * values[node])
            if american:
                held = max(held, intrinsic(moved(t, price, t.years, t.vol)))
                price *= ratio
            values[node] = held
    found: float = values[0]
    return found
