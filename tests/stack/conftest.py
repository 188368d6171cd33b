"""Real servers in a folder that PostgreSQL's user can reach, and nothing left of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from backtester.stack.account import account_for
from backtester.stack.cluster import Cluster
from backtester.stack.ports import port_free_find
from backtester.stack.postgres import PostgresServer
from backtester.stack.service import Command, Service
from tests.servers import folder_make


@pytest.fixture
def folder():
    """A folder that PostgreSQL's user can reach."""
    path = folder_make()
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def cluster_template():
    """A data folder fresh from initdb, to copy from: making one takes half a second."""
    path = folder_make()
    cluster_in(path).create(durable=False)
    yield path / "postgres"
    shutil.rmtree(path)


def cluster_in(folder):
    home = folder / "postgres"
    return Cluster(home=home, account=account_for(home))


@pytest.fixture
def postgres(folder, cluster_template):
    """A server that was never started."""
    home = folder / "postgres"
    subprocess.run(["cp", "-a", str(cluster_template), str(home)], check=True)
    server = PostgresServer(
        cluster=cluster_in(folder),
        port=port_free_find(),
        log=folder / "postgres.log",
    )
    yield server
    server.stop()


@pytest.fixture
def query(postgres):
    """Run one statement on the server."""

    def run(statement):
        with psycopg.connect(postgres.url.replace("postgres://", "postgresql://")) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else None

    return run


@pytest.fixture
def python_service(folder):
    """Make services that run a few lines of Python."""
    made = []

    def make(code, *, name="child", grace_s=5.0):
        command = Command(
            name=name,
            argv=(sys.executable, "-I", "-S", "-c", code),
            log=folder / f"{name}.log",
            environment={"FOLDER": str(folder)},
            cwd=folder,
            stop_signal=signal.SIGTERM,
            grace_s=grace_s,
        )
        service = Service(command)
        made.append(service)
        return service

    yield make
    for service in made:
        service.kill()


@pytest.fixture
def is_alive():
    """Whether a process runs (a zombie does not)."""

    def look(pid):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return False
        return state != "Z"

    return look
