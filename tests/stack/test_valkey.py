"""Valkey's life."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import redis

from backtester.stack.errors import StackError
from backtester.stack.ports import port_free_find
from backtester.stack.valkey import ValkeyServer


@pytest.fixture
def valkey(folder):
    server = ValkeyServer(
        home=folder / "valkey",
        port=port_free_find(),
        password="between us",
        log=folder / "valkey.log",
    )
    yield server
    server.stop()


def client(server, password="between us"):
    return redis.Redis(host="127.0.0.1", port=server.port, password=password, retry=None)


def test_what_was_queued_survives_a_stop(valkey):
    valkey.start()
    with client(valkey) as connection:
        connection.rpush("queue", "a")
    valkey.stop()
    valkey.start()
    with client(valkey) as connection:
        assert connection.lrange("queue", 0, -1) == [b"a"]


def test_the_server_asks_for_the_password_and_does_not_show_it(valkey):
    valkey.start()
    with (
        client(valkey, password="guess") as connection,
        pytest.raises(redis.AuthenticationError),
    ):
        connection.ping()
    assert b"between us" not in Path(f"/proc/{valkey.pid}/cmdline").read_bytes()
    assert (valkey.home / "valkey.conf").stat().st_mode & 0o077 == 0


def test_files_it_cannot_read_are_moved_aside(valkey):
    valkey.start()
    with client(valkey) as connection:
        connection.rpush("queue", *(["a" * 100] * 50))
    os.kill(valkey.pid, signal.SIGKILL)
    valkey.finish()
    increments = next(valkey.home.glob("appendonlydir/*.incr.aof"))
    increments.write_bytes(b"X" + increments.read_bytes()[1:])
    valkey.start()
    with client(valkey) as connection:
        assert connection.llen("queue") == 0
    assert len(list(valkey.home.glob("appendonlydir.unreadable-*"))) == 1


def test_a_taken_port_is_told_in_one_line(valkey, folder):
    valkey.start()
    second = ValkeyServer(
        home=folder / "second", port=valkey.port, password="x", log=folder / "second.log"
    )
    with pytest.raises(StackError, match="is taken by another program") as raised:
        second.start()
    assert "\n" not in str(raised.value)
