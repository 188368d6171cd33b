"""A run may refuse bars that have faults, or warn of them."""

from __future__ import annotations

import numpy as np
import pytest

from core.backtests.models import BacktestRun
from core.backtests.settings import RunSettings
from core.errors import InvalidInput
from tests.backtests.conftest import daily_bars, store


@pytest.fixture
def split(db):
    """A hundred days around 100 and a hundred around 25: a split that nobody told of."""
    closes = np.concatenate([np.full(100, 100.0), np.full(100, 25.0)])
    wobble = 1 + 0.002 * (np.arange(200) % 5)
    return store("SPLIT", daily_bars(closes * wobble, opens=closes * wobble))


def codes(run):
    return [warning["code"] for warning in run.warnings]


def test_a_run_that_refuses_faulty_bars_is_not_made(split, new_run):
    with pytest.raises(InvalidInput, match="faults that a result must not rest on") as refusal:
        new_run("SPLIT", config={"quality": "refuse"})
    assert refusal.value.details[0].code == "split_missing"
    assert not BacktestRun.objects.exists()


def test_a_run_warns_of_faulty_bars_where_it_is_asked_to(split, new_run, work):
    warned = work(new_run("SPLIT", config={"quality": "warn"}))
    assert warned.status == "completed"
    assert "data_quality" in codes(warned)
    assert warned.config["quality"] == "warn"
    for config in ({"quality": "accept"}, {}):
        assert "data_quality" not in codes(work(new_run("SPLIT", config=config)))


def test_an_unknown_policy_is_told_with_those_there_are():
    with pytest.raises(InvalidInput, match="refuse, warn, accept") as refusal:
        RunSettings.from_mapping({"quality": "repair"})
    assert refusal.value.details[0].path == "quality"
    given = RunSettings.from_mapping({"quality": "refuse"})
    assert RunSettings.from_mapping(given.as_dict()) == given
