"""The engine against the reference engine: every template on sample data, and random programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from core.backtests.replay import Replay, plan_replay, program_replay, replay_told
from core.backtests.scenarios import scenario_draw
from core.engine.bars import Bars
from core.engine.config import RunConfig
from strategies.graph.compile import graph_compile
from strategies.graph.schema import graph_parse
from strategies.graph.templates import template_list

CONFIGS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "free": {},
        "costly": {"commission": {"percent": 0.0015, "per_order": 1.0}, "spread": 0.0004},
    }
)
RANDOM_A_ROW: Final = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """One row of the comparison.

    Attributes
    ----------
    strategy, data, costs : str
        What ran on what.
    runs, trades : int
        How many were compared.
    status : str
        ``"equal"``, ``"different"``, or ``"not_run"``; of several runs the worst.
    message : str
        What differs, or what kept it from running; empty where all is equal.
    """

    strategy: str
    data: str
    costs: str
    runs: int
    trades: int
    status: str
    message: str


def templates_check(samples: Mapping[str, Bars]) -> Iterator[Checked]:
    """Yield the comparison of every template on every sample, with and without costs."""
    for template in template_list():
        plan = graph_compile(graph_parse(template.document))
        for symbol, bars in samples.items():
            for costs, config in CONFIGS.items():
                replay = plan_replay(plan=plan, bars=bars, config=RunConfig.from_mapping(config))
                message = "" if replay.status == "equal" else replay_told(replay)
                yield Checked(
                    template.name, symbol, costs, 1, replay.trades, replay.status, message
                )


def scenarios_check(*, count: int, seed: int) -> Iterator[Checked]:
    """Yield the comparison of random programs with seeds from `seed` on, many in a row."""
    for first in range(seed, seed + count, RANDOM_A_ROW):
        seeds = range(first, min(first + RANDOM_A_ROW, seed + count))
        replays = {one: _scenario_replay(one) for one in seeds}
        bad = {one: replay for one, replay in replays.items() if replay.status != "equal"}
        worst = next((r.status for r in bad.values() if r.status == "different"), None)
        yield Checked(
            strategy=f"random {seeds[0]} to {seeds[-1]}",
            data="random",
            costs="random",
            runs=len(seeds),
            trades=sum(replay.trades for replay in replays.values()),
            status=worst or ("not_run" if bad else "equal"),
            message=" ".join(f"Seed {one}: {replay_told(r)}" for one, r in bad.items())[:1_000],
        )


def _scenario_replay(seed: int) -> Replay:
    drawn = scenario_draw(seed)
    return program_replay(
        bars=drawn.bars,
        columns=drawn.columns,
        program=drawn.program,
        config=drawn.config,
        sessions=drawn.sessions,
    )
