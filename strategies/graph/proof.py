"""The prefix proof: what a plan says of a bar must not depend on later bars.

Every step is computed again on data that end at a bar, and must give bit for bit what it gave on
all of them. A step is looked at after the steps that feed it, so the first one that differs was
fed equal pasts: it looked ahead itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from strategies.graph.catalogue.forms import Series
from strategies.graph.context import NO_CONTEXT, Context
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.frames import Frames
from strategies.graph.plan import Plan, Step
from strategies.graph.scope import RUN, Scope
from strategies.graph.starts import starts_find

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


def prefix_proof(
    plan: Plan,
    bars: Bars,
    *,
    samples: int,
    seed: int,
    context: Context = NO_CONTEXT,
    strict_cross: bool = False,
) -> Proof:
    """Prove on samples that a plan does not look ahead.

    Parameters
    ----------
    plan : Plan
        From `graph_compile`.
    bars : Bars
        As many as the strategy needs for its first decision, and one.
    samples : int
        At how many bars to cut the data off, 1 or more: one at random in each of as many equal
        stretches; at every bar after the warm-up if there are fewer.
    seed : int
        Of the cuts: the same seed cuts at the same bars.
    context : Context
        As for `plan_evaluate`. Other instruments are cut where their bars are not over yet when
        the last bar of the run is.
    strict_cross : bool
        As for `plan_evaluate`.

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
    Columns and warm-up are functions of what the steps give, so decisions are proved with them. A
    step on a longer time frame or another instrument must give the same on those of its bars that
    are over at the cut, and must have as many of them.
    Two values are equal if their bits are, or if both are NaN. All columns of the plan are held
    at once: 8 bytes a bar and slot. Data without a bar after the warm-up but the last are too few
    to cut: the proof is empty, and so are its `cuts`.
    """
    if samples < 1:
        raise ValueError(f"the proof needs at least one sample, not {samples}")
    plan_evaluate(plan, bars, context=context, strict_cross=strict_cross, charts=False)
    frames = Frames(bars, context, interval=plan.timeframe, strict_cross=strict_cross)
    starts = starts_find(plan, frames)
    start = max((starts[slot] for slot in plan.columns), default=0)
    whole = [outputs for _, outputs in _steps(plan, frames)]
    # What the whole data have shown: a part of them might show something else.
    context = frames.context
    tried: list[int] = []
    for cut in _cuts(start, len(bars) - 1, samples, seed):
        tried.append(cut)
        part = _cut(bars, context, frames, cut)
        for (step, known), later in zip(
            _steps(plan, Frames(*part, strict_cross=strict_cross)), whole, strict=True
        ):
            bar = _step_difference(step, known, later, frames, cut)
            if bar is not None:
                return Proof(ok=False, node_id=step.node_id, bar=bar, cuts=tuple(tried))
    return Proof(ok=True, cuts=tuple(tried))


def _cut(bars: Bars, context: Context, frames: Frames, cut: int) -> tuple[Bars, Context]:
    """Return the data that are known when a bar is over."""
    others = dict(context.others)
    if others:
        until = frames.get(RUN).timing.ends[cut]
        for symbol, other in others.items():
            ends = frames.timing(Scope(symbol), other).ends
            others[symbol] = other.slice(0, int(np.searchsorted(ends, until, side="right")))
    return bars.slice(0, cut + 1), replace(context, others=others)


def _step_difference(
    step: Step, part: list[Series], whole: list[Series], frames: Frames, cut: int
) -> int | None:
    """Return the first bar of the run at which a step was known to be something else."""
    if step.scope == RUN:
        expected = cut + 1
    else:
        until = frames.get(RUN).timing.ends[cut]
        ends = frames.get(step.scope).timing.ends
        expected = int(np.searchsorted(ends, until, side="right"))
    found = []
    for known, later in zip(part, whole, strict=True):
        place = _first_difference(known[:expected], later[:expected])
        if place is not None:
            found.append(place)
    if not found:
        return None
    return min(found) if step.scope == RUN else frames.get(RUN).first_known(min(found), step.scope)


def _cuts(start: int, stop: int, samples: int, seed: int) -> list[int]:
    """Return bars from `start` to before `stop`: one at random of each of equal stretches."""
    count = min(samples, stop - start)
    if count < 1:
        return []
    edges = np.linspace(start, stop, count + 1).astype(np.int64)
    cuts: list[int] = np.random.default_rng(seed).integers(edges[:-1], edges[1:]).tolist()
    return cuts


def _steps(plan: Plan, frames: Frames) -> Iterator[tuple[Step, list[Series]]]:
    """Yield each step with what it gives, one value a bar of its frame."""
    slots: dict[int, Series] = {}
    for step in plan.steps:
        frame = frames.get(step.scope)
        # Not around the loop: who reads the steps would run under it too.
        with np.errstate(all="ignore"):
            found = step.compute(frame, step.values, [slots[slot] for slot in step.inputs])
        slots.update(zip(step.outputs, found, strict=True))
        yield step, [frame.full(series) for series in found]


def _first_difference(part: Series, whole: Series) -> int | None:
    """Return the first bar at which a part differs from the whole; None if there is none.

    Where one of them has fewer bars, the first that it lacks.
    """
    both = min(len(part), len(whole))
    one, other = part[:both], whole[:both]
    if one.dtype != np.float64 or other.dtype != np.float64:
        differs = one != other
    else:
        bits = np.ascontiguousarray(one).view(np.int64), np.ascontiguousarray(other).view(np.int64)
        differs = (bits[0] != bits[1]) & ~(np.isnan(one) & np.isnan(other))
    if differs.any():
        return int(differs.argmax())
    return None if len(part) == len(whole) else both
