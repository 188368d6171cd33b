"""A strategy run again on the reference engine, trade by trade.

Both run in the profile "reference": the engine must give bit for bit what backtesting.py gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.backtests.prefix import values_differ
from core.backtests.reference import VERSION, ReferenceResult, reference_run
from core.backtests.simulation import sessions_of_bars
from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import Program
from core.engine.result import Result
from core.engine.simulate import simulate
from core.errors import Detail, InvalidInput, Permanent
from strategies.graph.context import NO_CONTEXT, Context
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.plan import Plan

COMPARED: Final = (
    "entry_bar",
    "exit_bar",
    "side",
    "quantity",
    "entry_price",
    "exit_price",
    "pnl",
    "commission",
)
"""What is compared of a trade; the rest follows from it, or backtesting.py does not tell it."""

_NO_OPTIONS: Final = Detail(
    "program.option_rules", "not_supported", "It trades options, which backtesting.py has not."
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing in which the two engines differ.

    Attributes
    ----------
    field : str
        A field of the trade; ``"trades"`` for their number, ``"equity"`` for the curve.
    number : int or None
        Of the trade, from 1.
    bar : int or None
        Where.
    engine, reference : float
        What each of the two says.
    """

    field: str
    number: int | None
    bar: int | None
    engine: float
    reference: float


@dataclass(frozen=True, slots=True)
class Replay:
    """How the second opinion came out.

    Attributes
    ----------
    status : str
        ``"equal"``, ``"different"``, or ``"not_run"``.
    reference : str
        The other engine and its version.
    trades : int
        Trades that were compared.
    difference : Difference or None
        The first one, where there is any.
    reasons : tuple of Detail
        What of the strategy or of the configuration kept the reference engine from running.
    """

    status: Literal["equal", "different", "not_run"]
    reference: str = f"backtesting.py {VERSION}"
    trades: int = 0
    difference: Difference | None = None
    reasons: tuple[Detail, ...] = ()


def plan_replay(
    *, plan: Plan, bars: Bars, config: RunConfig, context: Context = NO_CONTEXT
) -> Replay:
    """Run a plan on both engines and compare trades and equity by their bits.

    Raises
    ------
    InvalidInput
        If the plan cannot run on these bars at all.
    """
    evaluation = plan_evaluate(plan, bars, context=context, strict_cross=True, charts=False)
    return program_replay(
        bars=bars,
        columns=evaluation.columns,
        program=evaluation.program,
        config=config,
        sessions=sessions_of_bars(bars, context),
    )


def program_replay(
    *,
    bars: Bars,
    columns: Sequence[NDArray[Any]],
    program: Program,
    config: RunConfig,
    sessions: NDArray[np.int64] | None = None,
) -> Replay:
    """Run a program on both engines, whatever profile the configuration names, and compare."""
    if program.option_rules:
        return Replay("not_run", reasons=(_NO_OPTIONS,))
    try:
        known = RunConfig.from_mapping({**config.as_dict(), "profile": "reference"})
        theirs = reference_run(
            bars=bars, columns=columns, program=program, config=known, sessions=sessions
        )
        ours = simulate(bars, columns, program, known, sessions=sessions)
    except InvalidInput as error:
        return Replay("not_run", reasons=error.details or (_detail(error),))
    except Permanent as error:
        return Replay("not_run", reasons=(_detail(error),))
    difference = first_difference(ours, theirs)
    return Replay(
        "equal" if difference is None else "different",
        trades=len(ours.trades),
        difference=difference,
    )


def first_difference(ours: Result, theirs: ReferenceResult) -> Difference | None:
    """Return the first difference: of the trades in their order, then of the equity."""
    both = min(len(ours.trades), len(theirs.trades))
    of_trades = _trade_difference(ours.trades[:both], theirs.trades[:both])
    if of_trades is not None:
        return of_trades
    if len(ours.trades) != len(theirs.trades):
        longer = max((ours.trades, theirs.trades), key=len)
        return Difference(
            field="trades",
            number=both + 1,
            bar=int(longer["entry_bar"][both]),
            engine=len(ours.trades),
            reference=len(theirs.trades),
        )
    differs = values_differ(ours.equity, theirs.equity)
    if not differs.any():
        return None
    bar = int(differs.argmax())
    return Difference("equity", None, bar, float(ours.equity[bar]), float(theirs.equity[bar]))


def _trade_difference(ours: NDArray[Any], theirs: NDArray[Any]) -> Difference | None:
    differ = np.array([values_differ(ours[name], theirs[name]) for name in COMPARED])
    if not differ.any():
        return None
    row = int(differ.any(axis=0).argmax())
    name = COMPARED[int(differ[:, row].argmax())]
    return Difference(
        field=name,
        number=row + 1,
        bar=int(ours["entry_bar"][row]),
        engine=float(ours[name][row]),
        reference=float(theirs[name][row]),
    )


def _detail(error: InvalidInput | Permanent) -> Detail:
    return Detail("", error.code, error.message)


def replay_told(replay: Replay) -> str:
    """Return how a replay came out, in a sentence."""
    if replay.status == "not_run":
        reasons = " ".join(dict.fromkeys(reason.message for reason in replay.reasons))
        return f"{replay.reference} cannot run this: {reasons}"
    if replay.difference is None:
        return f"{replay.reference} makes the same trades ({replay.trades}), bit for bit."
    found = replay.difference
    which = f"trade {found.number}" if found.number else f"bar {found.bar}"
    return (
        f"{replay.reference} differs at {which}: {found.field} is {found.reference!r} there, "
        f"{found.engine!r} here."
    )
