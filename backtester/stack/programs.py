"""The project's own processes: web server, workers by queue group, beat."""

from __future__ import annotations

import http.client
import re
import signal
import sys
import time
from typing import TYPE_CHECKING

from backtester.stack.errors import StackError
from backtester.stack.ports import HOST
from backtester.stack.service import POLL_S, Command, Service, log_rotate, log_tail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WEB_TIMEOUT_S = 90.0
WORKER_TIMEOUT_S = 60.0
# Runs and sweeps want processors, downloads wait for the network: orders must not wait behind them.
# What decides on bars (`live`) is apart from what sends (`orders`) to a broker that is silent: that
# keeps its sender for as long as a call may take. One process of `live` may be sending alerts all
# the time; one of the market's listens to prices, one to orders, while somebody wants them.
WORKERS = {
    "worker-runs": (("interactive", "sweeps"), 2),
    "worker-orders": (("orders",), 3),
    "worker-live": (("live", "alerts"), 3),
    "worker-market": (("market",), 4),
}
# Without these glibc gives the memory of large arrays back after each run, and every page of it
# faults in again for the next. Workers only: the web server allocates nothing large.
KEEP_LARGE_ARRAYS = {
    "MALLOC_MMAP_THRESHOLD_": "100000000",
    "MALLOC_TRIM_THRESHOLD_": "100000000",
}


class Worker(Service):
    """A Celery worker; settled when it takes tasks, which is seconds after its start."""

    def __init__(self, command: Command) -> None:
        super().__init__(command)
        self._log_start = 0

    def start(self) -> None:
        """Start the process."""
        log_rotate(self.command.log)
        self._log_start = self.log_size()
        super().start()

    def settle(self) -> None:
        """Wait until the worker says that it is ready, or takes too long for that."""
        deadline = time.monotonic() + WORKER_TIMEOUT_S
        while self.exit_code() is None and time.monotonic() < deadline:
            # Celery's last words of a start.
            if re.search(rf"{self.name}@\S+ ready\.", self.log_since(self._log_start)):
                return
            time.sleep(POLL_S)


class WebServer(Service):
    """The ASGI server; started when its health page answers."""

    def __init__(self, command: Command, *, port: int) -> None:
        super().__init__(command)
        self.port = port

    def start(self) -> None:
        """Start and wait for the health page."""
        self.spawn()
        deadline = time.monotonic() + WEB_TIMEOUT_S
        while not self._is_healthy():
            if self.exit_code() is not None:
                raise StackError(
                    f"The web server does not start: {log_tail(self.command.log, lines=1)} "
                    f"(see {self.command.log})"
                )
            if time.monotonic() > deadline:
                self.stop()
                raise StackError(
                    f"The web server does not answer after {WEB_TIMEOUT_S:.0f} s: "
                    f"see {self.command.log}."
                )
            time.sleep(POLL_S)

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            # Any answer that is not our failure: ALLOWED_HOSTS may refuse the loopback address.
            return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def web_server(
    *, port: int, project_dir: Path, logs: Path, environment: Mapping[str, str]
) -> WebServer:
    """Return the web server for a loopback port."""
    command = Command(
        name="web",
        argv=(
            *(sys.executable, "-m", "uvicorn", "backtester.asgi:application"),
            *("--host", HOST, "--port", str(port), "--no-access-log", "--no-server-header"),
            # PROXY_COUNT alone decides whose X-Forwarded-For is believed.
            *("--no-proxy-headers", "--timeout-graceful-shutdown", "5"),
        ),
        log=logs / "web.log",
        environment=environment,
        cwd=project_dir,
        grace_s=10.0,
    )
    return WebServer(command, port=port)


def workers(*, project_dir: Path, logs: Path, environment: Mapping[str, str]) -> list[Service]:
    """Return the Celery workers and beat."""
    # What prepares the database has checked the project: workers need not import its pages for it.
    celery = (sys.executable, "-m", "celery", "-A", "backtester", "--skip-checks")
    common = ("--loglevel", "INFO", "--without-gossip", "--without-mingle")
    commands = [
        Command(
            name=name,
            argv=(
                *(*celery, "worker", "-n", f"{name}@%h", "-Q", ",".join(queues)),
                *("-c", str(processes), *common),
            ),
            log=logs / f"{name}.log",
            environment={**KEEP_LARGE_ARRAYS, **environment},
            cwd=project_dir,
            # Running tasks may end; what does not is delivered again after the next start.
            grace_s=15.0,
        )
        for name, (queues, processes) in WORKERS.items()
    ]
    beat = Command(
        name="beat",
        argv=(*celery, "beat", "--loglevel", "INFO", "--pidfile", ""),
        log=logs / "beat.log",
        environment=environment,
        cwd=project_dir,
        stop_signal=signal.SIGTERM,
        grace_s=5.0,
    )
    return [*map(Worker, commands), Service(beat)]
