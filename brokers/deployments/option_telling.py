"""What a bar decided on options, as it is kept, shown and told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from brokers.deployments.option_book import Key
from brokers.deployments.option_decision import UNAVAILABLE
from brokers.deployments.telling import deployment_frame
from brokers.deployments.wanted import Decision, LegHeld, LegWanted, OptionDecision, Role
from brokers.models import Deployment
from core.engine.option_rules import OptionRule, Right
from core.options.contract import Contract
from market.bar_times import moment_of
from market.contracts import EPOCH
from notifications.services import event_notify

UNWOUND = "legs_unwound"


def option_notes(decision: Decision) -> list[dict[str, str]]:
    """Return what is odd about a bar: contracts that were not to be learnt, legs that failed."""
    options = decision.options
    if options is None:
        return []
    notes = []
    if any(reason == UNAVAILABLE for _, reason in options.refused):
        message = "The broker could not be asked which contracts there are: no option is opened."
        notes.append({"code": UNAVAILABLE, "message": message})
    if any(one.role == Role.UNWIND for one in options.closes):
        message = "A leg of an option position could not be had: its other legs are closed again."
        notes.append({"code": UNWOUND, "message": message})
    return notes


def unwound_tell(deployment: Deployment, options: OptionDecision, keys: Iterable[Key]) -> None:
    """Tell, once each, of positions of which nothing may stay."""
    for rule, position_ts in sorted(set(keys)):
        legs = [
            one.symbol for one in options.held if (one.rule, one.position_ts) == (rule, position_ts)
        ]
        had = f"{', '.join(legs)} closed again" if legs else "what waits is taken back"
        event_notify(
            owner_id=deployment.owner_id,
            event="position.unwound",
            key=f"position.unwound:{deployment.id}:{rule}:{position_ts}",
            subject=f"{deployment.name}: a leg of an option position could not be had",
            text=f"Of the position decided on at {moment_of(position_ts):%Y-%m-%d %H:%M} UTC a leg "
            f"was refused or ended short: {had}.",
            data=deployment_frame(deployment),
        )


def options_json(
    options: OptionDecision | None, rules: Sequence[OptionRule]
) -> dict[str, dict[str, Any]]:
    """Return what holds of options, under a key of its own; nothing where there are none."""
    if options is None:
        return {}
    told = {
        "value": options.value,
        # What they are worth is what the model says: nobody quoted it.
        "prices": "synthetic",
        "orders": [
            _order_json(one, rules[one.rule].source) for one in (*options.closes, *options.opens)
        ],
        "held": [_held_json(one, rules[one.rule].source) for one in options.held],
        "refused": [
            {"node_id": rules[rule].source, "reason": reason} for rule, reason in options.refused
        ],
    }
    return {"options": told}


def opens_recall(decision: Decision, told: Mapping[str, Any]) -> Decision:
    """Return a decision that is looked at again, with the contracts that its tick has chosen.

    So nobody chooses twice: lists of contracts may have changed since, or be known to another
    process only.
    """
    if decision.options is None:
        return decision
    opens = [
        LegWanted(
            role=Role.OPEN,
            rule=one["rule"],
            leg=one["leg"],
            position_ts=decision.bar_ts,
            symbol=one["symbol"],
            contract=Contract(
                Right.CALL if one["right"] == "call" else Right.PUT,
                one["strike"],
                (date.fromisoformat(one["expiry"]) - EPOCH).days,
            ),
            side=1 if one["side"] == "buy" else -1,
            quantity=one["quantity"],
        )
        for one in told.get("options", {}).get("orders", ())
        if one["role"] == Role.OPEN
    ]
    return replace(decision, options=replace(decision.options, opens=tuple(opens)))


def _order_json(wanted: LegWanted, source: str) -> dict[str, Any]:
    return {
        "node_id": source,
        "rule": wanted.rule,
        "leg": wanted.leg,
        "role": wanted.role.value,
        "side": "buy" if wanted.side > 0 else "sell",
        "order_type": "market",
        "quantity": wanted.quantity,
        **_contract_json(wanted.symbol, wanted.contract),
    }


def _held_json(held: LegHeld, source: str) -> dict[str, Any]:
    return {
        "node_id": source,
        "quantity": held.quantity,
        "price": held.price,
        **_contract_json(held.symbol, held.contract),
    }


def _contract_json(symbol: str, contract: Contract) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "right": "call" if contract.right == Right.CALL else "put",
        "strike": contract.strike,
        "expiry": (EPOCH + timedelta(days=contract.expiry)).isoformat(),
    }
