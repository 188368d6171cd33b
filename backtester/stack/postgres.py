"""Embedded PostgreSQL as a supervised service."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from backtester.stack.cluster import ENVIRONMENT, USER, Cluster, failure_describe
from backtester.stack.errors import StackError
from backtester.stack.ports import HOST
from backtester.stack.service import POLL_S, Command, Service

DATABASE = "app"
START_TIMEOUT_S = 60.0
# The children of a killed postmaster need a moment to notice; till then its memory is in use.
RETRY_S = 12.0
RETRYABLE = re.compile(r"pre-existing shared memory block|lock file .* already exists")
# For tests: as fast as it gets, nothing survives a power cut.
VOLATILE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_senders=0")
VOLATILE_ONLY = ("wal_level=minimal", "max_connections=200")


class PostgresServer(Service):
    """A server of one data folder on one loopback port; no socket file, passwords required.

    Parameters
    ----------
    cluster
        Its folder and system user; what is missing is created at the first start.
    port
        Loopback port.
    log
        File for what the server writes.
    durable
        False trades safety against power cuts for speed, for tests.
    """

    def __init__(self, *, cluster: Cluster, port: int, log: Path, durable: bool = True) -> None:
        self.cluster = cluster
        self.port = port
        self.durable = durable
        cluster.create(durable=durable)
        options = () if durable else (*VOLATILE, *VOLATILE_ONLY)
        super().__init__(
            Command(
                name="postgres",
                argv=(
                    *(str(cluster.programs() / "postgres"), "-D", str(cluster.data)),
                    *("-h", HOST, "-p", str(port), "-k", ""),
                    *(part for option in options for part in ("-c", option)),
                ),
                log=log,
                environment=ENVIRONMENT,
                cwd=cluster.home,
                # Fast shutdown: open transactions are rolled back, everything is written.
                stop_signal=signal.SIGINT,
                death_signal=signal.SIGINT,
                grace_s=30.0,
                account=cluster.account,
            )
        )

    @property
    def url(self) -> str:
        """Address with the password, as DATABASE_URL takes it."""
        return f"postgres://{USER}:{self.cluster.password()}@{HOST}:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Start, wait until the server answers, and create the database if it is missing.

        Raises
        ------
        StackError
            With one line that says what is wrong and what to do.
        """
        postmaster_clear(self.cluster.data)
        deadline = time.monotonic() + RETRY_S
        while True:
            position = self.log_size()
            self.spawn()
            if self._wait_ready():
                break
            self.finish(grace_s=0)
            output = self.log_since(position)
            if time.monotonic() > deadline or not RETRYABLE.search(output):
                raise StackError(failure_describe(output, cluster=self.cluster))
            time.sleep(0.3)
        self._database_create()

    def _wait_ready(self) -> bool:
        """Return whether the server is ready; False when it ended."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.exit_code() is None:
            if self._is_ready():
                return True
            if time.monotonic() > deadline:
                self.stop()
                raise StackError(
                    f"PostgreSQL is not ready after {START_TIMEOUT_S:.0f} s: see {self.command.log}"
                )
            time.sleep(POLL_S / 5)
        return False

    def _is_ready(self) -> bool:
        """Ask the pid file as pg_ctl does: a connection could reach a stranger on our port."""
        try:
            lines = (self.cluster.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=HOST,
            port=self.port,
            user=USER,
            password=self.cluster.password(),
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )

    def _database_create(self) -> None:
        try:
            connection = self._connect()
        except psycopg.OperationalError as error:
            self.stop()
            if "password authentication failed" in str(error):
                raise StackError(
                    f"{self.cluster.home / 'password'} is not the password of the data beside "
                    "it: restore the file, or move the folder away."
                ) from error
            reason = str(error).splitlines()[0]
            raise StackError(f"PostgreSQL does not let us in: {reason}") from error
        with connection:
            found = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if found is None:
                name = sql.Identifier(DATABASE)
                connection.execute(sql.SQL("CREATE DATABASE {}").format(name))


def postmaster_clear(data: Path) -> None:
    """Make way for a new server: end an orphaned one, remove the pid file of a dead one.

    PostgreSQL takes any living process that has the number in the pid file for another server on
    its data. After a kill -9, and most of all in containers, where numbers are small and come
    back soon, that may be any program: we look at what it is.
    """
    path = data / "postmaster.pid"
    try:
        pid = int(path.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    for number, grace_s in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        if not _is_postmaster(pid, data):
            path.unlink(missing_ok=True)
            return
        os.kill(pid, number)
        deadline = time.monotonic() + grace_s
        while _is_postmaster(pid, data) and time.monotonic() < deadline:
            time.sleep(POLL_S)


def _is_postmaster(pid: int, data: Path) -> bool:
    """Return whether this process lives and is a PostgreSQL server on this data folder."""
    if Path("/proc/self").exists():
        try:
            # A server changes into its data folder. Another user's process cannot be read, and
            # cannot be ours.
            return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
        except OSError:
            return False
    shown = subprocess.run(  # noqa: S603 - fixed program, the argument is a number
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "postgres" in shown.stdout and str(data) in shown.stdout
