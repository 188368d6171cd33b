"""Pytest plugin: real PostgreSQL and Valkey, started before Django reads its settings.

Loaded with `-p tests.servers`. The process that is called starts one PostgreSQL; every process
that runs tests (each worker of xdist) has a test database there, and a Valkey of its own, which a
test may wipe. TEST_DATABASE_URL or DATABASE_URL, and REDIS_URL, replace them. Servers are tied to
the process that started them: they end with it, however it ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TypeVar

import pytest

from backtester.stack.account import account_for
from backtester.stack.cluster import Cluster
from backtester.stack.ports import port_free_find
from backtester.stack.postgres import PostgresServer
from backtester.stack.service import Service
from backtester.stack.valkey import ValkeyServer

Server = TypeVar("Server", bound=Service)

SHARED_MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 * 2**30


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start servers and tell Django where they are, before pytest-django loads the settings."""
    options = early_config.known_args_namespace
    if options.help or options.version:
        return
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    folder = _folder(early_config)
    os.environ["VAR_DIR"] = str(folder / "var")
    # A thread of a test that keeps its connection keeps the database from being dropped.
    os.environ["DATABASE_MAX_AGE_S"] = "0"
    if worker is None:
        if url := os.environ.get("TEST_DATABASE_URL"):
            os.environ["DATABASE_URL"] = url
        if not os.environ.get("DATABASE_URL"):
            os.environ["DATABASE_URL"] = _postgres_start(early_config, folder).url
        if getattr(options, "numprocesses", None):
            return  # Its workers run the tests.
    if "TEST_REDIS_URL" not in os.environ and os.environ.get("REDIS_URL"):
        os.environ["TEST_REDIS_URL"] = os.environ["REDIS_URL"]
    if url := os.environ.get("TEST_REDIS_URL"):
        # One server for all: a database number each, and names of their own where numbers do
        # not count, as for published messages.
        number = int((worker or "gw0").removeprefix("gw"))
        os.environ["REDIS_URL"] = f"{url.rsplit('/', 1)[0]}/{number}"
        os.environ["REDIS_NAMESPACE"] = f"test-{number}"
    else:
        os.environ["REDIS_URL"] = _valkey_start(early_config, folder).url


def folder_make() -> Path:
    """Return a new folder that PostgreSQL's user can reach, in memory if there is room.

    Pytest's own folders are closed to other users, and as root PostgreSQL runs as another user.
    Making a database means a thousand small files: some disks take a second for that.
    """
    has_room = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > ROOM_BYTES
    folder = Path(
        tempfile.mkdtemp(prefix="algobacktester-tests-", dir=SHARED_MEMORY if has_room else None)
    )
    folder.chmod(0o711)
    return folder


def _folder(config: pytest.Config) -> Path:
    """Return a folder for this process that disappears at its end."""
    folder = folder_make()
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    return folder


def _postgres_start(config: pytest.Config, folder: Path) -> PostgresServer:
    home = folder / "postgres"
    server = PostgresServer(
        cluster=Cluster(home=home, account=account_for(home)),
        port=port_free_find(),
        log=folder / "postgres.log",
        durable=False,
    )
    return _start(config, server)


def _valkey_start(config: pytest.Config, folder: Path) -> ValkeyServer:
    server = ValkeyServer(
        home=folder / "valkey",
        port=port_free_find(),
        password="for-the-tests",
        log=folder / "valkey.log",
        durable=False,
    )
    return _start(config, server)


def _start(config: pytest.Config, server: Server) -> Server:
    # Registered after the folder's cleanup, so it runs before it.
    config.add_cleanup(server.stop)
    server.start()
    return server
