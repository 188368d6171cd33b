"""Everything that can be proved of a strategy on some bars, together and with bounded work.

1. No node looks ahead: `strategies.graph.proof`.
2. No decision, fill or account value does: `core.backtests.prefix`.
3. Another engine trades alike: `core.backtests.replay`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.backtests.plans import warmup_bars
from core.backtests.prefix import FillsProof, fills_proof
from core.backtests.replay import Replay, plan_replay
from core.backtests.simulation import NO_OPTIONS
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.options.config import OptionsConfig
from strategies.graph.context import NO_CONTEXT, Context
from strategies.graph.plan import Plan
from strategies.graph.proof import Proof, prefix_proof

BARS_AT_MOST: Final = 20_000
"""Of longer data the last ones are looked at."""
SAMPLES_AT_MOST: Final = 200
STEP_BARS_AT_MOST: Final = 20_000_000
"""Steps of a plan times bars times samples; with more, fewer samples are taken."""
FEWEST_SAMPLES: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """What was proved, and on what.

    Attributes
    ----------
    bars : Bars
        The ones that were looked at.
    samples : int
        At how many of them the data were cut off.
    look_ahead : Proof
    decisions : FillsProof
    replay : Replay
    """

    bars: Bars
    samples: int
    look_ahead: Proof
    decisions: FillsProof
    replay: Replay

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against the strategy; a replay that could not run does not."""
        return self.look_ahead.ok and self.decisions.ok and self.replay.status != "different"


def plan_verify(
    *,
    plan: Plan,
    bars: Bars,
    config: RunConfig,
    samples: int,
    seed: int,
    context: Context = NO_CONTEXT,
    options: OptionsConfig = NO_OPTIONS,
) -> Verification:
    """Prove a plan on bars.

    Parameters
    ----------
    plan : Plan
    bars : Bars
        The last `BARS_AT_MOST` of them are looked at, or more where the warm-up needs them.
    config : RunConfig
        Of the runs; the replay takes its profile for "reference".
    samples : int
        Cuts of the data, 1 or more; fewer are made where that would be more than
        `STEP_BARS_AT_MOST`.
    seed : int
        Of the cuts: the same arguments prove the same.
    context : Context
        What is known besides the bars.
    options : OptionsConfig
        The market of synthetic options, for strategies that trade them.

    Raises
    ------
    InvalidInput
        If the plan cannot run on these bars.
    """
    kept = max(BARS_AT_MOST, 2 * warmup_bars(plan, context.interval or plan.timeframe))
    bars = bars.slice(max(0, len(bars) - kept), len(bars))
    samples = samples_bounded(samples, steps=len(plan.steps), bars=len(bars))
    look_ahead = prefix_proof(plan, bars, samples=samples, seed=seed, context=context)
    decisions = fills_proof(
        plan=plan,
        bars=bars,
        config=config,
        cuts=look_ahead.cuts,
        context=context,
        options=options,
    )
    replay = plan_replay(plan=plan, bars=bars, config=config, context=context)
    return Verification(bars, samples, look_ahead, decisions, replay)


def samples_bounded(samples: int, *, steps: int, bars: int) -> int:
    """Return how many samples can be afforded, at least `FEWEST_SAMPLES` of those wanted."""
    affordable = STEP_BARS_AT_MOST // max(1, steps * bars)
    return min(samples, max(FEWEST_SAMPLES, affordable), SAMPLES_AT_MOST)
