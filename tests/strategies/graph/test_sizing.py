"""Sizes of the graph: what they become, and the column that volatility is read from."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.program import Size, SizeKind
from strategies.graph.context import Context

PRICES = 100 * np.exp(np.cumsum(np.random.default_rng(4).normal(0, 0.02, 60)))
TARGET = {"type": "volatility_target", "value": 0.15, "period": 10}


def rule_of(drawing, sizing):
    drawing.add("close", "price", {"field": "close"})
    drawing.add("high", "condition", {"operator": "gt", "right": 100}, left="close")
    drawing.add("enter", "entry", {"sizing": sizing}, when="high")
    return drawing.compile().program.rules[0]


@pytest.mark.parametrize(
    ("sizing", "size"),
    [
        ({"type": "kelly", "value": 0.5}, Size(SizeKind.KELLY, 0.5, start=0.1)),
        (
            {"type": "kelly", "value": 0.5, "maximum": 0.3, "start": 0},
            Size(SizeKind.KELLY, 0.5, start=0.0, most=0.3),
        ),
        ({"type": "fixed_ratio", "value": 500}, Size(SizeKind.FIXED_RATIO, 500.0, start=1.0)),
        (
            {"type": "fixed_ratio", "value": 500, "start": 100},
            Size(SizeKind.FIXED_RATIO, 500.0, start=100.0),
        ),
        (TARGET, Size(SizeKind.VOLATILITY_TARGET, 0.15, column=1)),
    ],
)
def test_sizes_become_the_engines_from_nodes_and_settings(drawing, sizing, size):
    assert rule_of(drawing, sizing).size == size
    drawing.nodes[-1]["params"] = {}
    drawing.settings = {"sizing": sizing}
    assert drawing.compile().program.rules[0].size == size


def test_the_column_is_the_deviation_of_log_returns_a_year(drawing):
    rule_of(drawing, TARGET)
    found = drawing.evaluate(PRICES, context=Context(interval="1d", periods_per_year=252.0))
    expected = np.diff(np.log(PRICES))[-10:].std(ddof=1) * np.sqrt(252)
    assert found.columns[1][-1] == pytest.approx(expected)
    assert np.isnan(found.columns[1][9])
    assert found.program.warmup == 10  # nothing is sized before ten returns are known


def test_without_a_calendar_a_year_is_around_the_clock(drawing):
    rule_of(drawing, TARGET)
    found = drawing.evaluate(PRICES)
    expected = np.diff(np.log(PRICES))[-10:].std(ddof=1) * np.sqrt(365.25)
    assert found.columns[1][-1] == pytest.approx(expected)


def test_rules_share_one_column_and_periods_do_not(drawing):
    drawing.add("close", "price", {"field": "close"})
    drawing.add("high", "condition", {"operator": "gt", "right": 100}, left="close")
    drawing.add("long", "entry", {"side": "long", "sizing": TARGET}, when="high")
    drawing.add("low", "logic", {"operator": "not"}, in_1="high")
    drawing.add("short", "entry", {"side": "short", "sizing": TARGET}, when="low")
    assert len(drawing.compile().program.columns) == 3
    drawing.nodes[-1]["params"]["sizing"] = TARGET | {"period": 11}
    assert len(drawing.compile().program.columns) == 4


def test_parameters_reach_into_a_size(drawing):
    drawing.parameters = [{"name": "half", "type": "float", "default": 0.5}]
    sizing = {"type": "kelly", "value": {"$param": "half"}}
    assert rule_of(drawing, sizing).size.value == 0.5
