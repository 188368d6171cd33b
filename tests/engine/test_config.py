"""The configuration of a run: every fault at once, and nothing unknown accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.config import Commission, RunConfig
from core.errors import InvalidInput


def faults(mapping: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        RunConfig.from_mapping(mapping)
    return {detail.path: detail.code for detail in caught.value.details}


def test_an_empty_mapping_is_the_default() -> None:
    assert RunConfig.from_mapping({}) == RunConfig()
    assert RunConfig().cash == 10_000
    assert RunConfig().commission == Commission()


def test_all_faults_are_told_at_once() -> None:
    assert faults(
        {
            "cash": -1,
            "margin": 2,
            "spread": "wide",
            "profile": "fast",
            "seed": 1.5,
            "fractional": 1,
            "leverage": 3,
            "slippage": 7,
            "commission": {"percent": 1.0, "minimum": True, "flat": 2},
        }
    ) == {
        "cash": "out_of_range",
        "margin": "out_of_range",
        "spread": "invalid_type",
        "profile": "unknown_choice",
        "seed": "invalid_type",
        "fractional": "invalid_type",
        "leverage": "unknown_key",
        "slippage": "invalid_type",
        "commission.percent": "out_of_range",
        "commission.minimum": "invalid_type",
        "commission.flat": "unknown_key",
    }


def test_an_unknown_key_lists_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="known keys are cash, commission"):
        RunConfig.from_mapping({"capital": 1})
    with pytest.raises(
        InvalidInput, match=r"commission\.flat is not a key; known keys are percent"
    ):
        RunConfig.from_mapping({"commission": {"flat": 1}})


@pytest.mark.parametrize(
    ("mapping", "path"),
    [
        ({"commission": {"minimum": 5, "maximum": 1}}, "commission.maximum"),
        ({"margin": 0.5, "maintenance_margin": 0.6}, "maintenance_margin"),
        ({"fractional": True, "lot_size": 0.1}, "lot_size"),
        ({"profile": "reference", "slippage": {"bps": 1}}, "slippage.bps"),
        ({"profile": "reference", "exclusive": False}, "exclusive"),
    ],
)
def test_keys_that_contradict_each_other_are_faults(mapping: dict[str, Any], path: str) -> None:
    assert faults(mapping) == {path: "conflict"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5])
def test_numbers_must_be_finite_and_in_range(value: float) -> None:
    assert faults({"spread": value}) == {"spread": "out_of_range"}
    with pytest.raises(InvalidInput):
        RunConfig(spread=value)


def test_numbers_too_large_for_any_register_are_refused() -> None:
    assert faults({"cash": 10**400, "seed": 10**400}) == {
        "cash": "out_of_range",
        "seed": "out_of_range",
    }


def test_what_is_not_an_object_is_refused() -> None:
    assert faults([1, 2]) == {"": "invalid_type"}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "cash": st.floats(1, 1e9),
            "commission": st.fixed_dictionaries({}, optional={"percent": st.floats(0, 0.5)}),
            "maintenance_margin": st.none(),
            "margin": st.floats(0.01, 1),
            "trade_on_close": st.booleans(),
            "lot_size": st.integers(1, 100),
        },
    )
)
def test_it_survives_the_way_through_json(mapping: dict[str, Any]) -> None:
    config = RunConfig.from_mapping(mapping)
    assert RunConfig.from_mapping(json.loads(json.dumps(config.as_dict()))) == config
