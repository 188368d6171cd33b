"""A whole installation of its own, started with `manage.py up`, as an operator starts it."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from backtester.stack.state import running_get

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 120
OWN = {"DATABASE_URL", "REDIS_URL", "TEST_DATABASE_NAME", "REDIS_NAMESPACE", "VAR_DIR", "BARS_URL"}


class Installation:
    """What a test does to it: post runs, kill processes, wipe Redis, look into the database."""

    def __init__(self, process, var_dir):
        self.process = process
        running = running_get(var_dir)
        self.base_url = running.base_url
        self.environment = dict(running.environment)
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self._register()}"

    def _register(self):
        body = {"email": f"{secrets.token_hex(6)}@example.com", "password": "correct horse battery"}
        answer = requests.post(f"{self.base_url}/api/v1/auth/register", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        return answer.json()["access"]

    def call(self, method, path, body=None, **headers):
        url = f"{self.base_url}/api/v1/{path}"
        answer = self.session.request(method, url, json=body, headers=headers, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def post_run(self, **changes):
        body = {
            "ticker": "GOOG",
            "strategy": "SMA",
            "startDate": "2004-08-19",
            "endDate": "2013-03-01",
            "capital": 10_000,
        }
        return self.call("POST", "backtest", body | changes, Prefer="wait=0")["id"]

    def finished(self, run_id, *, within_s):
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            run = self.call("GET", f"backtests/{run_id}")
            if run["status"] not in {"queued", "running"}:
                return run
            time.sleep(0.2)
        raise AssertionError(f"run {run_id} is still {run['status']} after {within_s} s")

    def database(self):
        return psycopg.connect(self.environment["DATABASE_URL"])

    def wait_for_status(self, run_id, status, *, within_s=20):
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with self.database() as connection:
                query = "SELECT status FROM backtests_backtestrun WHERE id = %s"
                if connection.execute(query, [run_id]).fetchone() == (status,):
                    return
            time.sleep(0.02)
        raise AssertionError(f"run {run_id} did not become {status}")

    def workers(self):
        """The processes of the worker that does runs, its children included."""
        return [
            process
            for process in psutil.Process(self.process.pid).children(recursive=True)
            if "interactive" in " ".join(process.cmdline())
        ]

    @contextmanager
    def workers_frozen(self):
        workers = self.workers()
        assert workers
        for worker in workers:
            worker.suspend()
        try:
            yield
        finally:
            for worker in workers:
                worker.resume()

    def workers_kill(self):
        workers = self.workers()
        assert workers
        for worker in workers:
            worker.kill()
        psutil.wait_procs(workers, timeout=10)


@pytest.fixture(scope="module")
def installation():
    with tempfile.TemporaryDirectory(prefix="installation-") as folder:
        # PostgreSQL does not run as root: its user must be able to enter the folder.
        Path(folder).chmod(0o755)
        yield from _installed(Path(folder))


def _installed(folder):
    environment = {name: value for name, value in os.environ.items() if name not in OWN}
    log = (folder / "up.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", "0", "--no-demo"],
        cwd=ROOT,
        env=environment | {"VAR_DIR": str(folder / "var")},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not re.search("Ctrl-C", (folder / "up.log").read_text()):
            assert process.poll() is None, (folder / "up.log").read_text()
            assert time.monotonic() < deadline, (folder / "up.log").read_text()
            time.sleep(0.1)
        children = psutil.Process(process.pid).children(recursive=True)
        yield Installation(process, folder / "var")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        log.close()
    left = [child for child in children if child.is_running()]
    assert not left, "Ctrl-C leaves no process behind"
