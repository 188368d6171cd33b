"""What is wrong with option rules before they are run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.code_lowering import registers_stored
from core.engine.config import RunConfig
from core.engine.option_rules import OptionLeg, OptionOperation, OptionRule, Strike, StrikeBy
from core.engine.program import Program
from core.errors import Detail, InvalidInput

Fault = tuple[str, str, Any]
"""What of a rule, what it must be, what was found."""


def rules_check(program: Program, columns: Sequence[NDArray[Any]], config: RunConfig) -> None:
    """Refuse rules that cannot be run.

    Raises
    ------
    InvalidInput
        With a detail for every fault, naming the rule's graph node.
    """
    faults = []
    if config.profile == "reference":
        text = "The reference profile knows no options: run with the standard profile."
        faults.append(Detail("config.profile", "unsupported", text, "standard", "reference"))
    registers = registers_stored(program)
    for number, rule in enumerate(program.option_rules):
        found = [*_trigger_faults(rule, columns, registers), *_rule_faults(rule)]
        for key, wanted, received in found:
            path = f"program.option_rules[{number}].{key}"
            text = f"{path} must be {wanted}, found {received!r}."
            faults.append(Detail(path, "invalid", text, wanted, received, rule.source or None))
    if faults:
        message = " ".join(fault.message for fault in faults)
        raise InvalidInput(f"The option rules cannot be run: {message}", details=faults)


def _trigger_faults(
    rule: OptionRule, columns: Sequence[NDArray[Any]], registers: frozenset[int]
) -> Iterator[Fault]:
    if rule.trigger != -1:
        if not 0 <= rule.trigger < len(columns):
            yield "trigger", f"one of the {len(columns)} columns, or -1", rule.trigger
        elif columns[rule.trigger].dtype != np.bool_:
            yield "trigger", "a column of bool", str(columns[rule.trigger].dtype)
    if rule.guard != -1 and rule.guard not in registers:
        yield "guard", "a register that the code stores, or -1", rule.guard


def _rule_faults(rule: OptionRule) -> Iterator[Fault]:
    if rule.operation == OptionOperation.CLOSE:
        return
    if not rule.legs:
        yield "legs", "one leg or more", 0
    if rule.quantity < 1:
        yield "quantity", "1 or more", rule.quantity
    if rule.max_positions < 1:
        yield "max_positions", "1 or more", rule.max_positions
    when = rule.close_when
    for key, value in (("profit", when.profit), ("loss", when.loss)):
        if value is not None and not 0.0 < value < math.inf:
            yield f"close_when.{key}", "above 0", value
    if when.days is not None and when.days < 0:
        yield "close_when.days", "0 or more", when.days
    for place, leg in enumerate(rule.legs):
        for key, wanted, received in _leg_faults(leg, place):
            yield f"legs[{place}].{key}", wanted, received


def _leg_faults(leg: OptionLeg, place: int) -> Iterator[Fault]:
    if leg.side not in (1, -1):
        yield "side", "1 to buy or -1 to sell", leg.side
    if leg.ratio < 1:
        yield "ratio", "1 or more", leg.ratio
    if leg.expiry.days < 0:
        yield "expiry.days", "0 or more", leg.expiry.days
    yield from _strike_faults(leg.strike, place)


def _strike_faults(strike: Strike, place: int) -> Iterator[Fault]:
    relative = strike.by in (StrikeBy.LEG_STRIKES, StrikeBy.LEG_WIDTH)
    if relative and not 0 <= strike.leg < place:
        yield "strike.leg", "the number of an earlier leg", strike.leg
    if not math.isfinite(strike.value):
        yield "strike.value", "a number", strike.value
    elif strike.by in (StrikeBy.PREMIUM, StrikeBy.EXACT) and strike.value <= 0.0:
        yield "strike.value", "above 0", strike.value
    elif strike.by == StrikeBy.DELTA and not 0.0 < strike.value < 1.0:
        yield "strike.value", "above 0 and below 1", strike.value
    elif strike.by == StrikeBy.OTM and not -1.0 < strike.value < 1.0:
        yield "strike.value", "above -1 and below 1 (a fraction: 0.05 is 5 %)", strike.value
