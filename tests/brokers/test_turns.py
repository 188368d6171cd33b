"""What waits for one process at a time is done by whoever is at it."""

from __future__ import annotations

import threading
from itertools import chain
from uuid import UUID

import pytest
import redis
from django.db import connections

from brokers import turns
from brokers.turns import in_turn
from tests.brokers.holding import held

IDS = [UUID(int=number) for number in range(1, 7)]


@pytest.fixture
def elsewhere(transactional_db):
    """Another process that has the turn until it is told to end."""
    with held("work:0") as finish:
        yield finish


def test_ours_come_first_and_then_what_others_left(elsewhere):
    assert list(in_turn("work", IDS[:2])) == [], "it is another's turn"
    assert list(in_turn("work", IDS[1:3])) == []
    elsewhere()
    first, *others = in_turn("work", IDS[3:4])
    assert first == IDS[3:4]
    assert sorted(chain.from_iterable(others)) == IDS[:3], "each once"
    assert list(in_turn("work", IDS[4:])) == [IDS[4:]]


def test_what_is_left_while_somebody_is_at_it_is_done_by_him(transactional_db):
    done = []

    def leave():
        try:
            done.append(list(in_turn("work", IDS[2:])))
        finally:
            connections.close_all()

    for part in in_turn("work", IDS[:2]):
        done.append(part)
        if part == IDS[:2]:
            thread = threading.Thread(target=leave)
            thread.start()
            thread.join(10)
    assert done[:2] == [IDS[:2], []]
    assert sorted(done[2]) == IDS[2:]


def test_what_is_left_too_late_is_done_by_who_left_it(elsewhere, monkeypatch):
    """The other one ends right before ours are there for it to see."""
    known = turns.memory()

    class Slow:
        def __getattr__(self, name):
            elsewhere()
            return getattr(known, name)

    monkeypatch.setattr(turns, "memory", Slow)
    assert sorted(chain.from_iterable(in_turn("work", IDS))) == IDS


def test_without_redis_each_does_its_own(elsewhere, monkeypatch):
    def away():
        raise redis.ConnectionError

    monkeypatch.setattr(turns, "memory", away)
    assert list(in_turn("work", IDS)) == []
    elsewhere()
    assert list(in_turn("work", IDS)) == [IDS]


def test_where_two_may_be_at_it_the_third_leaves_its_own_to_them(elsewhere):
    with held("work:1") as second:
        assert list(in_turn("work", IDS[:2], places=2)) == []
        second()
        first, *others = in_turn("work", IDS[2:4], places=2)
    assert first == IDS[2:4]
    assert sorted(chain.from_iterable(others)) == IDS[:2]
