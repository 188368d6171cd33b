"""The interpreter of the postfix code, run once at the close of every bar.

Registers, cells and the stack share one array, `Run.memory`, in this order; lowering has turned
every index into a place in it, and has proved that the stack neither runs dry nor over.
"""

from __future__ import annotations

import numpy as np

from core.engine.account_fields import field_read
from core.engine.code_memory import (
    bars_since,
    cross_above,
    loop,
    run_length,
    shift,
    truth,
    wait,
)
from core.engine.jit import inlined, outlined
from core.engine.program import Op
from core.engine.state import Bar, Run, Step

_PUSH = int(Op.PUSH)
_COLUMN = int(Op.COLUMN)
_FIELD = int(Op.FIELD)
_LOAD = int(Op.LOAD)
_STORE = int(Op.STORE)
_ADD = int(Op.ADD)
_SUBTRACT = int(Op.SUBTRACT)
_MULTIPLY = int(Op.MULTIPLY)
_DIVIDE = int(Op.DIVIDE)
_MINIMUM = int(Op.MINIMUM)
_MAXIMUM = int(Op.MAXIMUM)
_ABSOLUTE = int(Op.ABSOLUTE)
_NEGATE = int(Op.NEGATE)
_SQUARE_ROOT = int(Op.SQUARE_ROOT)
_GREATER = int(Op.GREATER)
_GREATER_EQUAL = int(Op.GREATER_EQUAL)
_LESS = int(Op.LESS)
_LESS_EQUAL = int(Op.LESS_EQUAL)
_EQUAL = int(Op.EQUAL)
_AND = int(Op.AND)
_OR = int(Op.OR)
_XOR = int(Op.XOR)
_CROSS_ABOVE = int(Op.CROSS_ABOVE)
_BARS_SINCE = int(Op.BARS_SINCE)
_RUN_LENGTH = int(Op.RUN_LENGTH)
_SHIFT = int(Op.SHIFT)
_LOOP = int(Op.LOOP)


@outlined
def code_run(run: Run, bar: Bar, equity: float) -> None:
    """Compute the registers at the close of `bar`, which the rules read next."""
    memory, code = run.memory, run.plan.code
    run.account.peak = max(run.account.peak, equity)
    top = run.plan.stack
    for number in range(code.size):
        step: Step = code[np.uintp(number)]
        top -= step.operands
        if step.op == _STORE:
            memory[np.uintp(step.index)] = memory[np.uintp(top)]
        else:
            memory[np.uintp(top)] = step_value(run, step, top, bar, equity)
            top += 1


@inlined
def step_value(run: Run, step: Step, top: int, bar: Bar, equity: float) -> float:
    """Return what a step leaves; its operands begin at `top`."""
    op = step.op
    if op >= _ADD:
        return operation_value(run, step, top)
    if op == _PUSH:
        return step.value
    if op == _COLUMN:
        found: float = run.plan.series[np.uintp(step.index), np.uintp(bar.number)]
        return found
    if op == _FIELD:
        return field_read(run, step.index, bar, equity)
    kept: float = run.memory[np.uintp(step.index)]
    return kept


@inlined
def operation_value(run: Run, step: Step, top: int) -> float:
    """Return what an operation makes of the operands that begin at `top`."""
    left, right = run.memory[np.uintp(top)], run.memory[np.uintp(top + 1)]
    if step.op < _GREATER:
        return calculated(step.op, left, right)
    if step.op < _CROSS_ABOVE:
        return 1.0 if judged(step.op, left, right) else 0.0
    return remembered(run, step, top, left, right)


@inlined
def calculated(op: int, left: float, right: float) -> float:
    """Arithmetic of one or two numbers, as on the graph's columns: NaN where undefined."""
    found = np.nan
    if op == _ADD:
        found = left + right
    elif op == _SUBTRACT:
        found = left - right
    elif op == _MULTIPLY:
        found = left * right
    elif op == _DIVIDE:
        found = left / right if right != 0.0 else np.nan
    elif op == _MINIMUM:
        found = left if left < right or np.isnan(left) else right
    elif op == _MAXIMUM:
        found = left if left > right or np.isnan(left) else right
    elif op == _ABSOLUTE:
        found = abs(left)
    elif op == _NEGATE:
        found = -left
    elif op == _SQUARE_ROOT:
        found = np.sqrt(left)
    elif left > 0.0:
        found = np.log(left)
    return found


@inlined
def judged(op: int, left: float, right: float) -> bool:
    """Comparisons, which are false with NaN, and logic, to which NaN is no truth."""
    if op == _GREATER:
        found = left > right
    elif op == _GREATER_EQUAL:
        found = left >= right
    elif op == _LESS:
        found = left < right
    elif op == _LESS_EQUAL:
        found = left <= right
    elif op == _EQUAL:
        found = left == right
    elif op == _AND:
        found = truth(left) and truth(right)
    elif op == _OR:
        found = truth(left) or truth(right)
    elif op == _XOR:
        found = truth(left) != truth(right)
    else:
        found = not truth(left)
    return found


@inlined
def remembered(run: Run, step: Step, top: int, left: float, right: float) -> float:
    """Operations with cells of their own, which see every bar."""
    op, memory, first, holding = step.op, run.memory, step.index, run.holding
    if op == _CROSS_ABOVE:
        return cross_above(memory, first, left, right, run.terms.reference)
    if op == _BARS_SINCE:
        return bars_since(memory, first, left)
    if op == _RUN_LENGTH:
        return run_length(memory, first, left)
    if op == _SHIFT:
        return shift(memory, first, left, int(step.value))
    if op == _LOOP:
        return loop(memory, first, top, float(holding.closings), holding.lots == 0)
    return wait(memory, first, top)
