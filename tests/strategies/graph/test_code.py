"""What depends on the position becomes code that means what the columns mean."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.program import AccountField, Op
from core.engine.simulate import simulate
from core.errors import InvalidInput
from strategies.graph.catalogue import NODE_TYPES, node_type_get
from strategies.graph.catalogue.forms import Frame, SeriesForm
from strategies.graph.coder import Coder
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.params import Choice

DAY_NS = 86_400 * 10**9
LENGTH = 60


def bars_of(close) -> Bars:
    close = np.asarray(close, dtype=float)
    return Bars.from_arrays(
        ts=np.arange(len(close)) * DAY_NS,
        open=close,
        high=close * 1.01,
        low=close * 0.99,
        close=close,
        volume=np.full(len(close), 1000.0),
    )


def filled(plan, bars, **config) -> list[tuple[int, float]]:
    """Return the bar and signed quantity of every fill."""
    evaluation = plan_evaluate(plan, bars)
    config = RunConfig.from_mapping({"fractional": True, "liquidate_at_end": False} | config)
    fills = simulate(bars, evaluation.columns, evaluation.program, config).fills
    signed = np.where(fills["side"] > 0, fills["quantity"], -fills["quantity"])
    return list(zip(fills["bar"].tolist(), signed.round(6).tolist(), strict=True))


# --- an interpreter of a few lines, to hold the two ways to compute a form against each other


def run(code, columns) -> np.ndarray:
    """Return register 0 at every bar."""
    cells: dict[int, list[float]] = {}
    registers = np.full(code.registers, np.nan)
    out = []
    for bar in range(LENGTH):
        stack: list[float] = []
        for step in code.instructions:
            if step.op is Op.STORE:
                registers[step.index] = stack.pop()
            else:
                past = cells.setdefault(step.index, [])
                operands = [stack.pop() for _ in range(OPERANDS[step.op])][::-1]
                stack.append(value_of(step, operands, past, columns, registers, bar))
        assert not stack
        out.append(registers[0])
    return np.array(out)


OPERANDS = dict.fromkeys(Op, 0) | {op: 2 for op in Op if 10 <= op <= 50}
OPERANDS |= dict.fromkeys((Op.ABSOLUTE, Op.NEGATE, Op.LOGARITHM, Op.SQUARE_ROOT, Op.NOT), 1)
OPERANDS |= dict.fromkeys((Op.BARS_SINCE, Op.RUN_LENGTH, Op.SHIFT), 1)
SIMPLE = {
    Op.ADD: lambda a, b: a + b,
    Op.SUBTRACT: lambda a, b: a - b,
    Op.MULTIPLY: lambda a, b: a * b,
    Op.DIVIDE: lambda a, b: a / b if b else math.nan,
    Op.MINIMUM: lambda a, b: math.nan if math.isnan(a + b) else min(a, b),
    Op.MAXIMUM: lambda a, b: math.nan if math.isnan(a + b) else max(a, b),
    Op.ABSOLUTE: abs,
    Op.NEGATE: lambda a: -a,
    Op.LOGARITHM: lambda a: math.log(a) if a > 0 else math.nan,
    Op.SQUARE_ROOT: lambda a: math.sqrt(a) if a >= 0 else math.nan,
    Op.GREATER: lambda a, b: a > b,
    Op.GREATER_EQUAL: lambda a, b: a >= b,
    Op.LESS: lambda a, b: a < b,
    Op.LESS_EQUAL: lambda a, b: a <= b,
    Op.EQUAL: lambda a, b: a == b,
    Op.AND: lambda a, b: a > 0 and b > 0,
    Op.OR: lambda a, b: a > 0 or b > 0,
    Op.XOR: lambda a, b: (a > 0) != (b > 0),
    Op.NOT: lambda a: not a > 0,
}


def value_of(step, operands, past, columns, registers, bar) -> float:
    """Return what an instruction leaves; `past` holds its operands of all bars before."""
    if step.op is Op.PUSH:
        return step.value
    if step.op is Op.COLUMN:
        return float(columns[step.index][bar])
    if step.op is Op.LOAD:
        return registers[step.index]
    if step.op in SIMPLE:
        return float(SIMPLE[step.op](*operands))
    past.append(operands)
    if step.op is Op.SHIFT:
        n = int(step.value)
        return past[-1 - n][0] if len(past) > n else math.nan
    if step.op is Op.CROSS_ABOVE:
        left, right = operands
        for before in reversed(past[:-1]):
            if before[0] != before[1]:
                return float(left > right and before[0] < before[1])
        return 0.0
    since = next((n for n, (truth,) in enumerate(reversed(past)) if truth > 0), None)
    if step.op is Op.BARS_SINCE:
        return math.nan if since is None else float(since)
    ended = next((n for n, (truth,) in enumerate(reversed(past)) if not truth > 0), len(past))
    return float(ended)


CODED = [
    pytest.param(node_type.name, form, id=f"{node_type.name} {form.name}".strip())
    for node_type in NODE_TYPES
    for form in node_type.forms().values()
    if isinstance(form, SeriesForm) and form.code is not None
]
PARAMS = {"value": 2.5, "n": 3, "k": 2, "minimum": -0.5, "maximum": 0.75}


@pytest.mark.parametrize(("type_name", "form"), CODED)
def test_a_form_gives_as_code_what_it_gives_as_a_column(type_name, form):
    random = np.random.default_rng(3)
    # Few values, so that they are often equal; some are missing.
    numbers = random.integers(-2, 3, (3, LENGTH)).astype(float)
    numbers[random.random((3, LENGTH)) < 0.1] = np.nan
    truths = random.random((3, LENGTH)) < 0.6
    values = {param.name: PARAMS[param.name] for param in form.params}
    assert not any(isinstance(param, Choice) for param in form.params), type_name
    count = sum(3 if port.numbered else 1 for port in form.inputs)
    numeric = bool(form.inputs) and form.inputs[0].type.value == "number"
    columns = list((numbers if numeric else truths)[:count])
    coder = Coder()
    feeds, slots = {}, iter(range(count))
    for port in form.inputs:
        taken = [next(slots) for _ in range(3 if port.numbered else 1)]
        feeds[port.name] = [coder.column(slot, str(slot)) for slot in taken]
    (term,) = form.code.write(coder, values, feeds)
    coder.register(term)
    found = run(coder.code(lambda slot: slot), columns)
    frame = Frame(bars_of(np.arange(LENGTH) + 1.0))
    with np.errstate(all="ignore"):
        (expected,) = form.compute(frame, values, columns)
    np.testing.assert_array_equal(found, np.asarray(frame.full(expected), dtype=float))
    if count:
        assert len(np.unique(found[~np.isnan(found)])) > 1, "the case says nothing"


def test_most_forms_of_numbers_and_truths_are_possible_in_code():
    names = {f"{case.values[0]} {case.values[1].name}".strip() for case in CODED}
    assert {"math add", "math shift", "math clip", "condition rising", "logic at_least"} <= names
    assert {"sequence", "hold", "recent", "bars_since", "constant"} <= names
    assert not names & {"condition is_highest", "condition is_lowest", "math rolling_mean"}


# --- position


def test_the_position_has_an_output_for_every_field_of_the_account():
    (form,) = node_type_get("position").forms().values()
    assert [port.name for port in form.outputs] == [field.name.lower() for field in AccountField]
    assert all(port.description for port in form.outputs)
    units = {port.name: port.describe().get("unit") for port in form.outputs}
    assert units["unrealized_pnl_pct"] == "percent"
    assert units["drawdown"] == "fraction"


def holding(drawing):
    """Buy at the second bar; leave by what the test adds."""
    drawing.add("close", "price")
    drawing.add("on", "condition", {"operator": "gt", "right": 0}, left="close")
    drawing.add("enter", "entry", {"sizing": 2}, when="on")
    return drawing.add("pos", "position")


def test_an_exit_after_so_many_bars_needs_no_column(drawing):
    holding(drawing)
    drawing.add("late", "condition", {"operator": "gte", "right": 3}, left="pos.bars_held")
    drawing.add("leave", "exit", {}, when="late")
    plan = drawing.compile()
    leave = next(rule for rule in plan.program.rules if rule.source == "leave")
    assert (leave.trigger, leave.guard) == (-1, 0)
    assert [step.op for step in plan.program.code] == [
        *(Op.FIELD, Op.PUSH, Op.GREATER_EQUAL, Op.STORE)
    ]
    # Filled at 1, three bars old at 4, closed at 5, where the entry may act again.
    fills = filled(plan, bars_of(np.full(9, 100.0)))
    assert fills == [(1, 2), (5, -2), (6, 2)]


def test_a_rule_of_data_and_position_has_a_column_and_a_register(drawing):
    holding(drawing)
    drawing.add("rich", "condition", {"operator": "gt", "right": 5}, left="pos.unrealized_pnl_pct")
    drawing.add("dear", "condition", {"operator": "gt", "right": 120}, left="close")
    drawing.add("sell", "action", {"operation": "sell"}, when="dear")
    drawing.add("leave", "exit", {}, when="rich")
    drawing.edges.append({"source": "leave", "target": "sell", "target_port": "exec"})
    plan = drawing.compile()
    sell = next(rule for rule in plan.program.rules if rule.source == "sell")
    assert sell.trigger >= 0
    assert sell.guard == 0
    fills = filled(plan, bars_of([100, 100, 110, 115, 121, 121, 90, 90]))
    assert fills == [(1, 2), (5, -2), (6, 2)]


def test_data_that_code_reads_counts_for_the_warm_up(drawing):
    holding(drawing)
    drawing.add("mean", "indicator", {"name": "sma", "period": 4}, source="close")
    drawing.add("under", "condition", {"operator": "lt"}, left="pos.entry_price", right="mean")
    drawing.add("leave", "exit", {}, when="under")
    plan = drawing.compile()
    assert plan.lookback == 3
    assert len(plan.program.columns) == 2
    assert filled(plan, bars_of([1.0, 2, 3, 4, 5, 6, 7, 8])) == [(4, 2), (7, -2)]


def test_equal_code_is_written_once_and_kept_in_registers(drawing):
    holding(drawing)
    drawing.add("pos_2", "position")
    for name in ("", "_2"):
        drawing.add(f"gain{name}", "math", {"operation": "shift", "n": 2}, source=f"pos{name}.side")
        source = f"gain{name}"
        drawing.add(f"c{name}", "condition", {"operator": "gt", "right": 0}, left=source)
        drawing.add(f"leave{name}", "exit", {"fraction": 0.5}, when=f"c{name}")
    drawing.add("other", "condition", {"operator": "lt", "right": -5}, left="gain_2")
    drawing.add("leave_3", "exit", {}, when="other")
    program = drawing.compile().program
    assert Counter(step.op for step in program.code)[Op.SHIFT] == 1
    assert program.cells == 3
    assert program.registers == 3  # two guards and what both read
    guards = {rule.source: rule.guard for rule in program.rules}
    assert guards["leave"] == guards["leave_2"] != guards["leave_3"]


def test_a_stop_by_the_position_reads_a_register(drawing):
    holding(drawing)
    drawing.add("half", "math", {"operation": "multiply", "right": 0.0005}, left="pos.equity")
    drawing.nodes[2]["params"] |= {"stop_loss": {"type": "multiple", "value": 2}}
    drawing.edges.append({"source": "half", "target": "enter", "target_port": "stop_loss"})
    plan = drawing.compile()
    (rule,) = plan.program.rules
    assert (rule.stop_loss.column, rule.stop_loss.register) == (-1, 0)
    # Equity 10,000: the stop is 2 x 5 below the fill at 100.
    assert filled(plan, bars_of([100, 100, 92, 92, 89, 89]))[:2] == [(1, 2), (4, -2)]


def test_code_neither_depends_on_ids_nor_on_order(drawing):
    holding(drawing)
    for name, right in (("a", 3), ("b", 4), ("c", 5)):
        drawing.add(name, "condition", {"operator": "gt", "right": right}, left="pos.bars_held")
        drawing.add(f"w{name}", "wait", {"bars": right}, when=name)
    drawing.add("sell", "action", {"operation": "sell"}, exec="wa")
    for name in "bc":
        drawing.edges.append({"source": f"w{name}", "target": "sell", "target_port": "exec"})
    for name in ("equity", "cash", "drawdown", "quantity"):
        drawing.add(name, "math", {"operation": "negate"}, source=f"pos.{name}")
        for right in (1, 2):
            test = f"{name}{right}"
            drawing.add(test, "condition", {"operator": "eq", "right": right}, left=name)
            drawing.add(f"x{test}", "exit", {"side": "long"}, when=test)
    one = drawing.compile().program
    drawing.nodes.reverse()
    drawing.edges.reverse()
    assert drawing.compile().program == one


# --- what cannot be code


@pytest.mark.parametrize(
    ("node", "port"),
    [
        (("x", "indicator", {"name": "sma", "period": 3}), "source"),
        (("x", "math", {"operation": "rolling_mean", "n": 3}), "source"),
        (("x", "condition", {"operator": "is_highest", "n": 3}), "left"),
    ],
)
def test_windows_over_the_position_are_refused_by_node_and_port(drawing, node, port):
    holding(drawing)
    drawing.add("gain", "math", {"operation": "negate"}, source="pos.unrealized_pnl")
    drawing.add(*node, **{port: "gain"})
    source = "x"
    if node[1] != "condition":
        drawing.add("y", "condition", {"operator": "gt", "right": 0}, left="x")
        source = "y"
    drawing.add("leave", "exit", {}, when=source)
    with pytest.raises(InvalidInput) as caught:
        drawing.compile()
    (fault,) = caught.value.details
    assert (fault.path, fault.code) == (f"nodes[5].inputs.{port}", "position_dependent")
    assert (fault.node_id, fault.received) == ("x", "gain")
    assert "Compare or calculate" in fault.message


@pytest.mark.parametrize("operation", ["shift", "percent_change"])
def test_the_position_is_not_remembered_for_ever(drawing, operation):
    holding(drawing)
    old = {"operation": operation, "n": 1001}
    drawing.add("old", "math", old, source="pos.equity")
    drawing.add("c", "condition", {"operator": "lt"}, left="pos.equity", right="old")
    drawing.add("leave", "exit", {}, when="c")
    with pytest.raises(InvalidInput) as caught:
        drawing.compile()
    assert [(one.path, one.code) for one in caught.value.details] == [
        ("nodes[4].params.n", "out_of_range")
    ]
    drawing.nodes[4]["params"]["n"] = 1000
    assert drawing.compile().program.cells == 1001


def test_a_deep_graph_of_code_is_written(drawing):
    holding(drawing)
    source = "pos.equity"
    for number in range(95):
        drawing.add(f"m{number}", "math", {"operation": "subtract", "left": 1}, right=source)
        source = f"m{number}"
    drawing.add("c", "condition", {"operator": "gt", "right": 0}, left=source)
    drawing.add("leave", "exit", {}, when="c")
    assert len(filled(drawing.compile(), bars_of(np.full(5, 10.0)))) >= 1
