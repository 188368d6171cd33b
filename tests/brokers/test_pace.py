"""The rate of an account holds for all processes together; without Redis for each."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest
import redis

from brokers.adapters import pace
from brokers.adapters.pace import Pace


@pytest.fixture
def waits(settings, monkeypatch):
    """Five calls a second; waits are noted, not waited for."""
    settings.BROKER_RATES = {"alpaca": 5}
    noted = []
    monkeypatch.setattr(pace.time, "sleep", noted.append)
    return noted


def test_two_processes_share_the_rate_of_an_account(waits):
    account = uuid4()
    one, other = Pace("alpaca"), Pace("alpaca")  # what two processes have
    for _ in range(5):
        one.wait(account)
    assert waits == []
    other.wait(account)
    assert waits == [pytest.approx(1.0, abs=0.3)]
    other.wait(uuid4())
    assert len(waits) == 1, "another account has places of its own"


def test_without_redis_a_process_counts_its_own_calls(waits, monkeypatch):
    asked = []

    def away():
        asked.append(time.monotonic())
        raise redis.ConnectionError("away")

    monkeypatch.setattr(pace, "_script", away)
    account, paced = uuid4(), Pace("alpaca")
    for _ in range(6):
        paced.wait(account)
    assert waits == [pytest.approx(1.0, abs=0.3)]
    assert len(asked) == 1, "Redis that is away is not asked before every call"


def test_places_are_reserved_with_one_question_and_are_places_of_all(waits, monkeypatch):
    accounts = [uuid4() for _ in range(3)]
    one, other = Pace("alpaca"), Pace("alpaca")
    one.reserve([each for each in accounts for _ in range(5)])
    asked, script = [], pace._script()
    monkeypatch.setattr(pace, "_script", lambda: lambda **words: asked.append(1) or script(**words))
    for account in accounts:
        for _ in range(5):
            one.wait(account)
    assert asked == [], "who has reserved a place asks for none"
    assert waits == []
    other.wait(accounts[0])
    assert waits == [pytest.approx(1.0, abs=0.3)], "what was reserved is taken"
    one.wait(accounts[1])
    assert waits[1:] == [pytest.approx(1.0, abs=0.3)], "and used up"


def test_a_reserved_place_is_used_when_it_comes(waits):
    account, paced = uuid4(), Pace("alpaca")
    paced.reserve([account] * 7)
    for _ in range(7):
        paced.wait(account)
    assert waits == [pytest.approx(1.0, abs=0.3)] * 2


def test_a_place_that_nobody_used_is_not_used_later(waits, monkeypatch):
    account, paced = uuid4(), Pace("alpaca")
    paced.reserve([account] * 5)
    monkeypatch.setattr(pace, "RESERVED_S", -1.0)
    paced.reserve([account])
    began = time.monotonic()
    monkeypatch.setattr(pace.time, "monotonic", lambda: began + 0.5)
    paced.wait(account)
    assert waits == [pytest.approx(1.0, abs=0.3)], "five are taken, though nobody has used them"
