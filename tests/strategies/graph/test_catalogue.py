"""The node catalogue as data."""

from __future__ import annotations

import json

import pytest

from core.indicators.registry import indicator_list
from core.sessions.timeframe import timeframe_parse
from strategies.graph.catalogue import NODE_TYPES, node_catalogue
from strategies.graph.timeframes import timeframe_canonical

TYPES = [
    *("price", "constant", "time", "position", "indicator", "math", "condition"),
    *("logic", "sequence", "hold", "recent", "bars_since"),
    *("entry", "exit", "action", "loop", "wait", "rank", "group"),
]


@pytest.fixture(scope="module")
def catalogue() -> dict:
    return {about["type"]: about for about in node_catalogue()}


def test_every_type_is_there_and_says_all_a_palette_needs(catalogue):
    assert list(catalogue) == TYPES
    for about in catalogue.values():
        for word in ("title", "category", "description"):
            assert about[word], (about["type"], word)
        for param in about["parameters"]:
            assert param["name"]
            assert param["description"], (about["type"], param["name"])


def test_the_catalogue_is_json(catalogue):
    assert json.loads(json.dumps(catalogue)) == catalogue


def test_every_indicator_is_a_form_with_its_ports_and_bounds(catalogue):
    forms = {form["value"]: form for form in catalogue["indicator"]["forms"]}
    assert set(forms) == {spec.name for spec in indicator_list()}
    macd = forms["macd"]
    assert [port["name"] for port in macd["outputs"]] == ["macd", "signal", "histogram"]
    fast = next(param for param in macd["parameters"] if param["name"] == "fast")
    assert (fast["type"], fast["default"]) == ("int", 12)
    assert fast["minimum"] >= 1
    assert "fastperiod" in fast["aliases"]
    (high, *_) = forms["atr"]["inputs"]
    assert (high["name"], high["required"], high["default_field"]) == ("high", False, "high")


def test_the_catalogue_says_what_the_position_cannot_feed(catalogue):
    def limited(type_):
        return {form["value"] for form in catalogue[type_]["forms"] if form.get("data_only")}

    assert limited("condition") == {"is_highest", "is_lowest"}
    assert limited("math") == {f"rolling_{name}" for name in ("sum", "mean", "max", "min", "std")}
    assert limited("indicator") >= {"ema", "atr", "macd"}
    assert limited("logic") == limited("action") == set()


def test_ports_have_the_names_that_everything_shares(catalogue):
    def inputs(type_):
        return {port["name"] for port in catalogue[type_]["inputs"]}

    assert inputs("condition") >= {"left", "right"}
    assert inputs("math") == {"left", "right", "source"}
    assert inputs("logic") >= {"in_1"}
    assert inputs("entry") == {"when", "stop_loss", "take_profit", "trailing"}
    assert inputs("exit") == {"when"}
    assert inputs("action") >= {"when", "exec", "stop_loss", "take_profit"}
    assert [port["name"] for port in catalogue["entry"]["outputs"]] == ["exec"]


def test_no_two_parameters_of_a_form_share_a_name_or_alias():
    for node_type in NODE_TYPES:
        for form in node_type.forms().values():
            words = [word for param in form.params for word in (param.name, *param.aliases)]
            words += [port.name for port in form.inputs if port.literal]
            assert len(words) == len(set(words)), (node_type.name, form.name)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1h", "1h"),
        ("1 hour", "1h"),
        ("60min", "1h"),
        ("H", "1h"),
        ("90m", "90m"),
        ("24h", "24h"),
        ("daily", "1d"),
        ("1wk", "1w"),
        ("1M", "1mo"),
        ("1m", "1m"),
        ("3 Months", "3mo"),
        ("0h", None),
        ("", None),
        ("hour 1", None),
        ("1x", None),
    ],
)
def test_time_frames_have_one_spelling(text, canonical):
    assert timeframe_canonical(text) == canonical
    if canonical:
        assert timeframe_canonical(canonical) == canonical
        assert timeframe_parse(canonical).seconds > 0
