"""The prefix proof: what a plan says of a bar must not depend on later bars.

Every step is computed again on data that end at a bar, and must give bit for bit what it gave on
all of them. A step is looked at after the steps that feed it, so the first one that differs was
fed equal pasts: it looked ahead itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from strategies.graph.catalogue.forms import Frame, Series
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.plan import Plan, Step

if TYPE_CHECKING:
    from core.engine.bars import Bars


@dataclass(frozen=True, slots=True)
class Proof:
    """What the proof found.

    Attributes
    ----------
    ok : bool
        Whether no step looked ahead.
    node_id : str or None
        The guilty node.
    bar : int or None
        The first bar of which it said something else before later bars were known.
    cuts : tuple of int
        The last bars of the data that were tried, in order; up to the guilty one.
    """

    ok: bool
    node_id: str | None = None
    bar: int | None = None
    cuts: tuple[int, ...] = ()


def prefix_proof(plan: Plan, bars: Bars, *, samples: int, seed: int) -> Proof:
    """Prove on samples that a plan does not look ahead.

    Parameters
    ----------
    plan : Plan
        From `graph_compile`.
    bars : Bars
        At least `plan.lookback + 1` of them.
    samples : int
        At how many bars to cut the data off, 1 or more: one at random in each of as many equal
        stretches; at every bar after the warm-up if there are fewer.
    seed : int
        Of the cuts: the same seed cuts at the same bars.

    Returns
    -------
    Proof
        Of the first cut, in order of time, at which a step differs.

    Raises
    ------
    InvalidInput
        If the plan cannot be evaluated on these bars.
    ValueError
        If there are no samples.

    Notes
    -----
    Columns and warm-up are functions of what the steps give, so decisions are proved with them.
    Two values are equal if their bits are, or if both are NaN. All columns of the plan are held
    at once: 8 bytes a bar and slot. Data without a bar after the warm-up but the last are too few
    to cut: the proof is empty, and so are its `cuts`.
    """
    if samples < 1:
        raise ValueError(f"the proof needs at least one sample, not {samples}")
    plan_evaluate(plan, bars, charts=False)
    whole = [outputs for _, outputs in _steps(plan, bars)]
    tried: list[int] = []
    for cut in _cuts(plan.lookback, len(bars) - 1, samples, seed):
        tried.append(cut)
        steps = _steps(plan, bars.slice(0, cut + 1))
        for (step, part), later in zip(steps, whole, strict=True):
            differ = [_first_difference(one, two) for one, two in zip(part, later, strict=True)]
            found = [bar for bar in differ if bar is not None]
            if found:
                return Proof(ok=False, node_id=step.node_id, bar=min(found), cuts=tuple(tried))
    return Proof(ok=True, cuts=tuple(tried))


def _cuts(start: int, stop: int, samples: int, seed: int) -> list[int]:
    """Return bars from `start` to before `stop`: one at random of each of equal stretches."""
    count = min(samples, stop - start)
    if count < 1:
        return []
    edges = np.linspace(start, stop, count + 1).astype(np.int64)
    cuts: list[int] = np.random.default_rng(seed).integers(edges[:-1], edges[1:]).tolist()
    return cuts


def _steps(plan: Plan, bars: Bars) -> Iterator[tuple[Step, list[Series]]]:
    """Yield each step with what it gives, one value a bar."""
    frame = Frame(bars)
    slots: dict[int, Series] = {}
    for step in plan.steps:
        # Not around the loop: who reads the steps would run under it too.
        with np.errstate(all="ignore"):
            found = step.compute(frame, step.values, [slots[slot] for slot in step.inputs])
        slots.update(zip(step.outputs, found, strict=True))
        yield step, [frame.full(series) for series in found]


def _first_difference(part: Series, whole: Series) -> int | None:
    """Return the first bar of the part that differs from the whole; None if there is none."""
    known = whole[: len(part)]
    if part.dtype != np.float64 or known.dtype != np.float64:
        differs = part != known
    else:
        bits = np.ascontiguousarray(part).view(np.int64), np.ascontiguousarray(known).view(np.int64)
        differs = (bits[0] != bits[1]) & ~(np.isnan(part) & np.isnan(known))
    return int(differs.argmax()) if differs.any() else None
