from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from core.engine.config import Allocation, Commission, RunConfig

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "engine.md").read_text(encoding="utf-8")


def test_every_key_of_a_runs_configuration_is_documented():
    keys = {field.name for field in (*fields(RunConfig), *fields(Commission), *fields(Allocation))}
    assert {key for key in keys if f"`{key}" not in TEXT} == set()
