"""A decision as it is kept with its tick, told and shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from brokers.deployments.option_telling import options_json
from brokers.deployments.wanted import Decision, Wanted
from core.engine.program import Program, Rule


def decision_json(decision: Decision, program: Program) -> dict[str, Any]:
    """Return a decision as JSON."""
    rules = program.rules
    return {
        "orders": [_order_json(one, rules) for one in (*decision.now, *decision.waiting)],
        "guards": [_order_json(one, rules) for one in decision.guards],
        "refused": [
            {"node_id": rules[rule].source, "reason": reason} for rule, reason in decision.refused
        ],
        "alerts": [rules[rule].source for rule in decision.alerts],
        **options_json(decision.options, program.option_rules),
    }


def _order_json(wanted: Wanted, rules: Sequence[Rule]) -> dict[str, Any]:
    prices = {
        name: price if math.isfinite(price := getattr(wanted, name)) else None
        for name in ("limit", "stop", "trail")
    }
    return {
        "node_id": rules[wanted.rule].source,
        "role": wanted.role.value,
        "side": "buy" if wanted.side > 0 else "sell",
        "order_type": wanted.kind.name.lower(),
        "quantity": wanted.quantity,
        **prices,
    }
