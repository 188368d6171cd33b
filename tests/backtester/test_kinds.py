"""Kind tables: what is named exists, and what is broken is told at the start."""

from __future__ import annotations

from brokers.adapters.kinds import ADAPTERS
from core.kinds import KindTable
from notifications.channels.kinds import CHANNELS


def test_every_kind_there_is_can_be_imported():
    assert ADAPTERS.check() == CHANNELS.check() == []


def test_a_broken_path_is_told_with_its_name_and_a_hint():
    table = KindTable("Broker", {"lost": "brokers.adapters.lost.Lost"}, check_id="brokers.E001")
    (fault,) = table.check()
    assert fault.id == "brokers.E001"
    assert "'lost'" in fault.msg
    assert "brokers.adapters.lost.Lost" in fault.hint


def test_there_is_one_object_of_a_kind():
    assert ADAPTERS.get("paper") is ADAPTERS.get("paper")
