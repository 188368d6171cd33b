"""Another process's connection that has a turn."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from django.db import connections

from brokers.turns import turn


@contextmanager
def held(name):
    """Have somebody else have a turn until the end of the block; yield what ends it sooner."""
    begun, end = threading.Event(), threading.Event()

    def hold():
        try:
            with turn(name) as mine:
                assert mine
                begun.set()
                assert end.wait(10)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()

    def finish():
        end.set()
        thread.join(10)

    try:
        assert begun.wait(10)
        yield finish
    finally:
        finish()
