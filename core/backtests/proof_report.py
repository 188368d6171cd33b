"""What a verification found, in sentences and as plain data: for the API and the command line."""

from __future__ import annotations

import dataclasses
from typing import Any

from core.backtests.prefix import FillsProof
from core.backtests.replay import replay_told
from core.backtests.times import iso_time
from core.backtests.verification import Verification
from core.engine.bars import Bars
from strategies.graph.proof import Proof

NS_PER_MS = 1_000_000


def verification_report(verification: Verification) -> dict[str, Any]:
    """Return a verification as it is shown."""
    bars, replay = verification.bars, verification.replay
    look_ahead, decisions = verification.look_ahead, verification.decisions
    return {
        "ok": verification.ok,
        "bars": len(bars),
        "first": iso_time(bars.ts[0]),
        "last": iso_time(bars.ts[-1]),
        "look_ahead": _prefix(look_ahead, bars)
        | {"node_id": look_ahead.node_id, "message": look_ahead_told(verification)},
        "decisions": _prefix(decisions, bars)
        | {"fills": decisions.fills, "message": decisions_told(verification)},
        "replay": {
            "status": replay.status,
            "reference": replay.reference,
            "trades": replay.trades,
            "difference": replay.difference and dataclasses.asdict(replay.difference),
            "reasons": [reason.as_dict() for reason in replay.reasons],
            "message": replay_told(replay),
        },
    }


def _prefix(proof: Proof | FillsProof, bars: Bars) -> dict[str, Any]:
    return {
        "ok": proof.ok,
        "bar": proof.bar,
        "ts": None if proof.bar is None else int(bars.ts[proof.bar]) // NS_PER_MS,
        "cuts": len(proof.cuts),
    }


def look_ahead_told(verification: Verification) -> str:
    """Return what the proof of the nodes found, in a sentence."""
    proof = verification.look_ahead
    if proof.ok:
        return _agreed("Every node says the same of a bar", proof.cuts)
    return (
        f"{proof.node_id!r} looks ahead: what it says of bar {proof.bar} "
        f"({_moment(verification.bars, proof.bar)}) changes when later bars are known."
    )


def decisions_told(verification: Verification) -> str:
    """Return what the proof of the fills found, in a sentence."""
    proof = verification.decisions
    if proof.ok:
        return _agreed(f"All fills ({proof.fills}) and the equity are the same", proof.cuts)
    return (
        f"Fills or equity of bar {proof.bar} ({_moment(verification.bars, proof.bar)}) change when "
        "later bars are known."
    )


def _agreed(what: str, cuts: tuple[int, ...]) -> str:
    if not cuts:
        return "There are too few bars after the warm-up to cut any off: nothing was proved."
    return f"{what} with or without the bars after it: the data were cut at {len(cuts)} bars."


def _moment(bars: Bars, bar: int | None) -> str:
    return "unknown" if bar is None else iso_time(bars.ts[bar])
