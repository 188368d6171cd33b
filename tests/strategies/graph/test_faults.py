"""Answers to hostile documents are small, and come soon."""

from __future__ import annotations

import gc
import json
import time
from itertools import pairwise

import pytest

from core.errors import InvalidInput
from strategies.graph.build import condition_append
from strategies.graph.compile import graph_compile
from strategies.graph.faults import MAX_FAULTS
from strategies.graph.limits import MAX_DOCUMENT_BYTES
from strategies.graph.schema import graph_parse
from strategies.graph.validate import graph_faults

LONG = "p" * 90


def nodes(count, **about):
    return [{"id": f"n{number}", **about} for number in range(count)]


def traded(count, **about):
    """Nodes that an entry depends on, so that what is wrong with them is told."""
    edges = [{"source": f"n{n}", "target": "e", "target_port": "when"} for n in range(count)]
    return {"nodes": [*nodes(count, **about), {"id": "e", "type": "entry"}], "edges": edges}


def chain(count, last):
    """A chain of nodes with the longest ids there are, from the first to `last`."""
    ids = [f"{'i' * 90}{number}" for number in range(count)]
    negate = {"type": "math", "params": {"operation": "negate"}}
    pairs = [*pairwise(ids), (ids[-1], ids[last])]
    return {
        "nodes": [{"id": one} | negate for one in ids],
        "edges": [{"source": a, "target": b, "target_port": "source"} for a, b in pairs],
    }


HOSTILE = {
    "unknown keys": {f"k{n}": 0 for n in range(20_000)},
    "unknown settings": {"settings": {f"k{n}": 0 for n in range(20_000)}},
    "unknown types": {"nodes": nodes(500, type="pric" + "e" * 90, a=1, b=2, c=3, d=4)},
    "unknown keys of nodes": {"nodes": nodes(450, type="price", **{f"q{n}": 0 for n in range(40)})},
    "unknown parameters": traded(
        450, type="indicator", params={"name": "ema"} | {f"q{n}": 0 for n in range(40)}
    ),
    "unknown references": {
        "parameters": [{"name": f"{LONG}{n}", "type": "int", "default": 1} for n in range(32)]
    }
    | traded(
        499,
        type="condition",
        params={"operator": "gt", "left": {"$param": "x"}, "right": {"$param": "y"}},
    ),
    "unknown indicators": traded(499, type="indicator", params={"name": "emaaa"}),
    "unknown ends": {"edges": [{"source": LONG, "target": "y", "a": 1}] * 2_000},
    "one id": {"nodes": [{"id": "a", "type": "price"}] * 500},
    "one port": {
        "nodes": [{"id": "a", "type": "price"}, {"id": "x", "type": "exit"}],
        "edges": [{"source": "a", "target": "x", "target_port": LONG}] * 1_000,
    },
    "a long circle": chain(499, 0),
    "a long word": {"nodes": [{"id": "a", "type": "x" * 250_000}]},
}


def detailed(document):
    with pytest.raises(InvalidInput) as caught:
        graph_compile(graph_parse(document))
    return caught.value


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_answered_soon_and_shortly(name):
    document = HOSTILE[name]
    assert len(json.dumps(document)) < MAX_DOCUMENT_BYTES
    gc.collect()  # the garbage of other tests is not this one's to look for
    start = time.process_time()
    error = detailed(document)
    assert time.process_time() - start < 1.0
    assert len(error.details) <= MAX_FAULTS + 1
    answer = json.dumps([one.as_dict() for one in error.details], allow_nan=False) + error.message
    assert len(answer) < 256 * 1024


def test_faults_beyond_the_first_hundred_are_counted():
    error = detailed(HOSTILE["unknown keys"])
    assert "(and 19999 more: see details)" in error.message
    last = error.details[-1]
    assert (last.code, last.received, last.path) == ("too_many_faults", 20_000, "")
    assert "19900 faults more" in last.message
    faults, _ = graph_faults(graph_parse(HOSTILE["unknown indicators"]))
    assert len(faults) == MAX_FAULTS + 1


def test_a_hundred_faults_are_all_told():
    document = {f"k{number}": 0 for number in range(MAX_FAULTS)}
    error = detailed(document)
    assert {one.code for one in error.details} == {"unknown_key"}
    assert len(error.details) == MAX_FAULTS


def test_what_is_wrong_with_a_step_does_not_hide_behind_what_is_missing():
    draft = {"nodes": nodes(300, type="condition", params={"operator": "gt"})}
    with pytest.raises(InvalidInput) as caught:
        condition_append(draft, body={"operation": "clip", "minimum": 2, "maximum": 1})
    assert [one.path for one in caught.value.details] == ["params.maximum"]
