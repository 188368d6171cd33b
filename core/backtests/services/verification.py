"""Proofs of a user's strategy on stored bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from core.backtests.plans import plan_get
from core.backtests.settings import RunSettings
from core.backtests.surroundings import surroundings_read
from core.backtests.verification import Verification, plan_verify
from core.errors import InvalidInput, faults_within
from market.store import StoredBars, bars_read
from strategies.drafts import faults_under
from strategies.selectors import strategy_get, version_get

SAMPLE_SYMBOL: Final = "GOOG"
DEFAULT_SAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What to prove, in the words of the user.

    Attributes
    ----------
    version : int or None
        A published version; None is the draft.
    start, end : date or datetime, optional
        Days mean whole sessions, the end included.
    config : Mapping
        As `core.backtests.settings.RunSettings.from_mapping` reads it.
    """

    version: int | None = None
    symbol: str = SAMPLE_SYMBOL
    interval: str = "1d"
    start: date | datetime | None = None
    end: date | datetime | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    samples: int = DEFAULT_SAMPLES
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Verified:
    """A verification, and what it rests on.

    Attributes
    ----------
    version : int or None
        None where the draft was proved.
    """

    verification: Verification
    version: int | None
    graph_hash: str
    stored: StoredBars
    other_snapshots: Mapping[str, str]


def strategy_verify(*, owner_id: UUID, strategy_id: UUID | str, request: VerifyRequest) -> Verified:
    """Prove a strategy on stored bars; nothing is stored.

    Raises
    ------
    NotFound
        If the strategy is not the caller's, or has no such version.
    InvalidInput
        If the graph cannot run, or not on these bars; the message says how to fix it.
    """
    strategy = strategy_get(owner_id, strategy_id)
    graph, identity = strategy.graph, strategy.graph_hash
    if request.version is not None:
        version = version_get(strategy, request.version)
        graph, identity = version.graph, version.graph_hash
    stored = bars_read(
        symbol=request.symbol,
        interval=request.interval,
        start=request.start,
        end=request.end,
        owner_id=owner_id,
    )
    try:
        plan = plan_get(
            graph_hash=identity,
            graph=graph,
            parameters=request.parameters,
            interval=str(stored.interval),
        )
    except InvalidInput as error:
        raise faults_under(error, "graph") from error
    around = surroundings_read(plan=plan, stored=stored, end=request.end, owner_id=owner_id)
    with faults_within("config"):
        settings = RunSettings.from_mapping(request.config)
    settings.plain_check("Proofs")
    verification = plan_verify(
        plan=plan,
        bars=stored.bars,
        config=settings.engine,
        options=settings.options,
        context=around.context,
        samples=request.samples,
        seed=request.seed,
    )
    return Verified(verification, request.version, identity, stored, around.snapshots)
