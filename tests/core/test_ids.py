"""Ids of rows: UUIDs of RFC 9562, version 7, in the order in which they are made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core import db
from core.db import uuid7


def test_ids_made_one_after_the_other_are_in_that_order(monkeypatch):
    moments = iter(range(1_700_000_000_000_000_000, 1_700_000_000_010_000_000, 250))
    monkeypatch.setattr(db.time, "time_ns", lambda: next(moments))
    made = [uuid7() for _ in range(40_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("rest_ns", "fraction"),
    [(0, 0x000), (500_000, 0x800), (250_000, 0x400), (999_999, 0xFFF)],
)
def test_its_time_is_that_of_the_example_of_the_rfc(monkeypatch, rest_ns, fraction):
    """RFC 9562, A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F is of 2022-02-22 14:22:22 EST."""
    moment = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    monkeypatch.setattr(
        db.time, "time_ns", lambda: int(moment.timestamp()) * 1_000_000_000 + rest_ns
    )
    found = uuid7()
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    assert found.hex[:12] == "017f22e279b0"
    assert found.int >> 64 & 0xFFF == fraction


def test_ids_of_the_same_moment_differ(monkeypatch):
    monkeypatch.setattr(db.time, "time_ns", lambda: 1_700_000_000_000_000_000)
    assert len({uuid7() for _ in range(1_000)}) == 1_000
