"""PostgreSQL's life: starts, stops, crashes, and what is said when it cannot start."""

from __future__ import annotations

import os
import shutil
import signal
import socket

import psycopg
import pytest

from backtester.stack.cluster import Cluster, failure_describe
from backtester.stack.errors import StackError
from backtester.stack.ports import port_free_find
from backtester.stack.postgres import PostgresServer


def test_data_survive_an_orderly_stop(postgres, query):
    postgres.start()
    query("CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.stop()
    postgres.start()
    assert query("SELECT answer FROM kept") == [(42,)]


def test_data_survive_a_kill_of_the_postmaster(postgres, query):
    postgres.start()
    query("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postgres.pid, signal.SIGKILL)
    # At once, while its children may still hold the shared memory.
    postgres.start()
    assert query("SELECT answer FROM kept") == [(42,)]


def test_a_pid_file_whose_number_now_belongs_to_another_program_does_not_stop_the_start(
    postgres, query
):
    postgres.start()
    pid_file = postgres.cluster.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    os.kill(postgres.pid, signal.SIGKILL)
    postgres.finish()
    bystander = os.getpid()
    pid_file.write_text("\n".join([str(bystander), *lines[1:], ""]))
    postgres.start()
    assert query("SELECT 1") == [(1,)]


def test_an_orphaned_server_on_the_same_data_is_ended_first(postgres, query, is_alive):
    postgres.start()
    orphan = postgres.pid
    heir = PostgresServer(
        cluster=postgres.cluster,
        port=port_free_find(),
        log=postgres.command.log,
        durable=False,
    )
    try:
        heir.start()
        assert not is_alive(orphan)
        assert heir.exit_code() is None
    finally:
        heir.stop()


def test_the_server_asks_for_the_password(postgres):
    postgres.start()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host="127.0.0.1", port=postgres.port, user="app", password="guess", dbname="app"
        )


def test_nobody_else_may_look_into_the_folder(postgres):
    assert postgres.cluster.home.stat().st_mode & 0o077 == 0
    assert (postgres.cluster.home / "password").stat().st_mode & 0o077 == 0


def test_what_an_interrupted_initdb_left_is_made_anew(folder):
    home = folder / "postgres"
    (home / "data.new" / "base").mkdir(parents=True)
    (home / "data.new" / "PG_VERSION").write_text("18\n")
    (home / "password").write_text("of an earlier attempt")
    cluster = cluster_of(folder)
    cluster.create(durable=False)
    assert (cluster.data / "global" / "pg_control").exists()
    assert not (home / "data.new").exists()


def test_a_half_initialised_data_folder_is_moved_aside_and_never_deleted(folder):
    home = folder / "postgres"
    (home / "data").mkdir(parents=True)
    (home / "data" / "PG_VERSION").write_text("18\n")
    cluster = cluster_of(folder)
    cluster.create(durable=False)
    assert (cluster.data / "global" / "pg_control").exists()
    assert (home / "data.incomplete" / "PG_VERSION").read_text() == "18\n"


def test_a_second_creation_changes_nothing(postgres):
    before = postgres.cluster.password()
    postgres.cluster.create()
    assert postgres.cluster.password() == before


def test_a_taken_port_is_told_in_one_line(postgres):
    with (
        socket.create_server(("127.0.0.1", postgres.port)),
        pytest.raises(StackError, match="port is taken by another program") as raised,
    ):
        postgres.start()
    assert "\n" not in str(raised.value)


def test_a_lost_password_is_told_in_one_line(postgres):
    (postgres.cluster.home / "password").write_text("another one")
    with pytest.raises(StackError, match="is not the password of the data") as raised:
        postgres.start()
    assert "\n" not in str(raised.value)
    assert postgres.exit_code() is not None


def test_data_of_another_version_are_refused_and_kept(postgres):
    (postgres.cluster.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(StackError, match="another version of PostgreSQL"):
        postgres.start()
    assert (postgres.cluster.data / "global" / "pg_control").exists()


def test_a_full_disk_is_told_in_one_line(folder, monkeypatch):
    free = shutil.disk_usage(folder)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free)
    with pytest.raises(StackError, match="has 1 MB left"):
        cluster_of(folder).create()
    words = 'FATAL:  could not write lock file "postmaster.pid": No space left on device'
    assert "is full: free some space" in failure_describe(words, cluster=cluster_of(folder))


def cluster_of(folder):
    from backtester.stack.account import account_for

    home = folder / "postgres"
    return Cluster(home=home, account=account_for(folder / "nothing-there-yet"))
