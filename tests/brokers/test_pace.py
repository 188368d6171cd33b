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
