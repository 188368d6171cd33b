"""Who is told of bars looks at all that was told of so far."""

from __future__ import annotations

import pytest
import redis

from market import telling
from market.memory import memory
from market.models import BarSeries, Instrument
from market.telling import TOLD, bars_tell, told_take


@pytest.fixture
def sent(monkeypatch):
    memory().delete(TOLD)
    found = []
    monkeypatch.setattr(
        telling.current_app, "send_task", lambda name, args, **_: found.append((name, *args))
    )
    return found


def series(symbol):
    return BarSeries(instrument=Instrument(symbol=symbol))


def test_symbols_are_taken_together_and_once(sent):
    for symbol in ("AAA", "BBB", "CCC", "AAA"):
        bars_tell(series(symbol))
    assert sent == [("brokers.bars_stored", symbol) for symbol in ("AAA", "BBB", "CCC", "AAA")]
    first = told_take("AAA", most=2)
    assert len(first) == 2
    assert first | told_take("BBB", most=2) == {"AAA", "BBB", "CCC"}
    assert told_take("CCC", most=2) == set(), "somebody else looks at it"
    bars_tell(series("CCC"))
    assert told_take("CCC", most=2) == {"CCC"}, "its newest bars were told of since"


def test_without_redis_a_message_stands_for_its_symbol(monkeypatch):
    def away():
        raise redis.ConnectionError

    monkeypatch.setattr(telling, "memory", away)
    bars_tell(series("AAA"))
    assert told_take("AAA", most=5) == {"AAA"}
