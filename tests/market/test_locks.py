"""Locks of PostgreSQL: one download a series, whoever dies."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from core.errors import Transient
from market.locks import series_lock


@pytest.mark.django_db(transaction=True)
def test_the_lock_of_a_series_is_held_by_one_connection_and_ends_with_it(user):
    name = {"provider": "ccxt", "symbol": "BTC/USDT", "interval": "1d"}
    held, go_on = threading.Event(), threading.Event()

    def hold():
        with series_lock(**name):
            held.set()
            go_on.wait(5)
            # As a kill does: the connection goes without a word.
            connection.close()
            connection.connect()
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    waits: list[float] = []
    with (
        pytest.raises(Transient, match="being downloaded already"),
        series_lock(**name, wait_s=0.3, sleep=waits.append),
    ):
        pytest.fail("two have it")
    assert len(waits) >= 3
    with series_lock(**(name | {"symbol": "ETH/USDT"}), wait_s=0):
        pass
    go_on.set()
    thread.join()
    with series_lock(**name, wait_s=0):
        pass
