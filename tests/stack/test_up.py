"""`manage.py up`, as a person uses it: the real project, servers and workers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from backtester.stack.session import PROJECT_DIR
from backtester.stack.state import running_get

pytestmark = pytest.mark.slow


def descendants(pid):
    """Return all living processes below a process, whatever group or session they are in."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(path.parent.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


@pytest.fixture
def manage(folder):
    """Start `manage.py COMMAND` in an environment without servers."""
    started = []
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "TEST_REDIS_URL"}
    } | {"VAR_DIR": str(folder / "var"), "PYTHONUNBUFFERED": "1"}

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.stdout.close()
        process.wait()


def read_until(process, mark):
    """Return what the process writes up to a line with the mark."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if mark in line:
            return "".join(lines)
    raise AssertionError("ended without the mark:\n" + "".join(lines))


def is_ready(base_url):
    try:
        with urllib.request.urlopen(f"{base_url}/readyz", timeout=10) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


def test_it_starts_after_a_kill_serves_survives_a_dead_worker_and_stops(
    manage, folder, eventually, is_alive
):
    killed = manage("up", "--port", "0", "--no-demo")
    read_until(killed, "Ctrl-C stops everything")
    family = descendants(killed.pid)
    assert len(family) > 8
    killed.kill()
    killed.wait()
    eventually(lambda: not any(is_alive(pid) for pid in family))

    stack = manage("up", "--port", "0", "--no-demo")
    shown = read_until(stack, "Ctrl-C stops everything")
    base_url = running_get(folder / "var").base_url
    assert f"{base_url}/api/v1/docs/" in shown
    # Workers report with their first periodic task.
    eventually(lambda: is_ready(base_url), seconds=30)
    family = descendants(stack.pid)
    assert len(family) > 8

    second = manage("up")
    assert second.wait(timeout=30) == 0
    assert re.search(rf"already running \(process {stack.pid}\)", second.stdout.read())

    # A command in another terminal finds the database of the stack that runs.
    other = manage("migrate", "--check")
    told, _ = other.communicate(timeout=120)
    assert other.returncode == 0, told

    worker = int(re.search(r"worker-runs started \(process (\d+)\)", shown)[1])
    os.kill(worker, signal.SIGKILL)
    assert "worker-runs ended by SIGKILL" in read_until(stack, "worker-runs started again")

    family |= descendants(stack.pid)
    stack.send_signal(signal.SIGINT)
    assert stack.wait(timeout=40) == 0
    eventually(lambda: not any(is_alive(pid) for pid in family))
