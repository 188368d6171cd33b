"""A whole stack around stand-ins for the project's own processes; servers are real."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from backtester.stack import programs, session
from backtester.stack.errors import StackError
from backtester.stack.service import Command, Service
from backtester.stack.session import running_stack
from backtester.stack.state import environment_of_running_stack, state_load

WEB = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)\\
    .serve_forever()
"""
# Stands for `manage.py up --prepare-only`: tells what it was given.
MANAGE = """
import json, os, sys
from pathlib import Path
if Path("broken").exists():
    sys.exit("no such table: orders")
Path("given.json").write_text(json.dumps({"argv": sys.argv[1:], "environment": dict(os.environ)}))
"""


@pytest.fixture
def project(folder, monkeypatch):
    """A project of two files: what is prepared, and a web server."""
    project = folder / "project"
    project.mkdir()
    (project / "manage.py").write_text(MANAGE)

    def web_server(*, port, project_dir, logs, environment):
        command = Command(
            name="web",
            argv=(sys.executable, "-I", "-c", WEB, str(port)),
            log=logs / "web.log",
            environment=environment,
            cwd=project_dir,
            grace_s=1.0,
        )
        return programs.WebServer(command, port=port)

    monkeypatch.setattr(session, "PROJECT_DIR", project)
    monkeypatch.setattr(programs, "web_server", web_server)
    monkeypatch.setattr(programs, "workers", lambda **_kwargs: [])
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    return project


def given(project):
    return json.loads((project / "given.json").read_text())


def test_commands_of_the_stack_get_working_servers(project, folder):
    with running_stack(folder / "var") as stack:
        environment = given(project)["environment"]
        with psycopg.connect(environment["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("app",)
        with redis.Redis.from_url(environment["REDIS_URL"]) as connection:
            assert connection.ping()
        assert environment["PUBLIC_URL"] == stack.base_url
        assert environment.items() >= environment_of_running_stack(folder / "var").items()
    assert environment_of_running_stack(folder / "var") == {}


def test_a_second_start_is_the_same_stack_and_keeps_the_data(project, folder):
    seen = []
    for statement in ("CREATE TABLE kept AS SELECT 42", "SELECT * FROM kept"):
        with running_stack(folder / "var") as stack:
            with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
                connection.execute(statement)
            seen.append({**stack.environment, "PUBLIC_URL": ""})
    assert seen[0] == seen[1]


def test_the_end_of_the_block_leaves_no_process(project, folder, is_alive):
    pids = []
    with running_stack(folder / "var", emit=lambda line: pids.extend(pid_of(line))):
        assert len(pids) == 3
        assert all(is_alive(pid) for pid in pids)
    assert not any(is_alive(pid) for pid in pids)


def test_a_signal_in_the_block_stops_everything(project, folder, is_alive):
    pids = []
    with (
        pytest.raises(KeyboardInterrupt),
        running_stack(folder / "var", emit=lambda line: pids.extend(pid_of(line))),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
    assert len(pids) == 3
    assert not any(is_alive(pid) for pid in pids)


def test_a_failed_preparation_is_told_in_one_line_and_stops_everything(project, folder, is_alive):
    (project / "broken").touch()
    pids = []
    with (
        pytest.raises(StackError, match="prepare failed with code 1: no such table") as raised,
        running_stack(folder / "var", emit=lambda line: pids.extend(pid_of(line))),
    ):
        pass
    assert "\n" not in str(raised.value)
    assert len(pids) == 2
    assert not any(is_alive(pid) for pid in pids)


def test_a_stack_that_runs_already_is_used_and_goes_on(project, folder):
    with running_stack(folder / "var") as first:
        with running_stack(folder / "var", port=1) as second:
            assert second.base_url == first.base_url
            assert second.supervisor is None
        with redis.Redis.from_url(first.environment["REDIS_URL"]) as connection:
            assert connection.ping()


def test_servers_named_in_the_environment_replace_the_embedded_ones(project, folder, monkeypatch):
    database, broker = "postgres://me@db.example.com/mine", "redis://cache.example.com/3"
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("REDIS_URL", broker)
    lines = []
    with running_stack(folder / "var", emit=lines.append):
        environment = given(project)["environment"]
    assert (environment["DATABASE_URL"], environment["REDIS_URL"]) == (database, broker)
    assert not (folder / "var" / "postgres").exists()
    assert [line for line in lines if line.startswith(("postgres", "valkey"))] == []


def test_a_taken_web_port_is_told_in_one_line_with_another_to_take(project, folder):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(StackError, match=f"Port {port} is taken.*PORT={port + 1}") as raised,
            running_stack(folder / "var", port=port),
        ):
            pass
    assert "\n" not in str(raised.value)


def test_a_taken_server_port_is_replaced_by_another(project, folder):
    var = folder / "var"
    with running_stack(var):
        port = state_load(var).postgres_port
    with socket.create_server(("127.0.0.1", port)), running_stack(var) as stack:
        assert state_load(var).postgres_port != port
        with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
            connection.execute("SELECT 1")


def test_without_the_demo_the_preparation_is_told_so(project, folder):
    with running_stack(folder / "var", demo=False):
        assert given(project)["argv"] == ["up", "--prepare-only", "--no-demo"]


def test_nobody_else_may_look_into_the_folder(project, folder):
    with running_stack(folder / "var"):
        var = folder / "var"
        assert var.stat().st_mode & 0o066 == 0
        closed = [var / "logs", var / "valkey", var / "postgres", var / "stack.json"]
        assert [path.stat().st_mode & 0o077 for path in closed] == [0, 0, 0, 0]


def test_a_web_server_that_dies_at_its_start_is_told_with_its_last_line(folder):
    command = Command(
        name="web",
        argv=(sys.executable, "-c", "raise SystemExit('no module named asgi')"),
        log=folder / "web.log",
        environment={},
        cwd=Path("/"),
    )
    with pytest.raises(StackError, match="no module named asgi"):
        programs.WebServer(command, port=9).start()
    assert isinstance(programs.workers(project_dir=folder, logs=folder, environment={})[0], Service)


def pid_of(line):
    """Return the process id a console line names, in a list."""
    return [int(line.split("process ")[1].rstrip(")"))] if "started (process" in line else []
