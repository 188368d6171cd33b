"""Wrong rules do not go unnoticed, and rules do not depend on being compiled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("backtesting", reason="the reference engine is optional (AGPL-3.0)")

from tests.engine.directed import cases_of
from tests.engine.uncompiled import MUTATIONS, digests

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found() -> Any:
    """What the uncompiled kernel made of the directed cases, and of its mutations."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.uncompiled"],
        cwd=ROOT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout)


def test_every_directed_case_holds_for_the_rules_as_they_stand(found: Any) -> None:
    assert found["failing"] == {}
    assert len(found["digests"]) > 200


def test_every_broken_rule_is_noticed_by_a_directed_case(found: Any) -> None:
    moved = [one for number, one in enumerate(MUTATIONS) if str(number) not in found["caught"]]
    assert moved == [], "these texts do not stand once in their modules any more: mutate what does"
    unnoticed = [MUTATIONS[int(number)] for number, case in found["caught"].items() if not case]
    assert unnoticed == []


def test_mutations_touch_every_rule_of_the_contract() -> None:
    rules = {mutation.rule for mutation in MUTATIONS}
    chapters = {"settled", "code", "sizes", "costs", "reference", "detail", "actions", "portfolio"}
    assert rules == {str(number) for number in range(1, 13)} | chapters
    assert len(set(MUTATIONS)) == len(MUTATIONS)


def test_results_do_not_depend_on_compilation(found: Any) -> None:
    assert digests(cases_of()) == found["digests"]
