"""One supervised process: how it is started, watched and stopped."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backtester.stack.account import Account
from backtester.stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

LEASH = Path(__file__).with_name("leash.py")
LOG_BYTES = 10 * 1024 * 1024
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Command:
    """What to run and how to end it.

    `stop_signal` asks for an orderly end, which may take `grace_s` seconds; `death_signal` is
    what the process gets when the supervisor is killed (Linux).
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    environment: Mapping[str, str]
    cwd: Path
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGKILL
    grace_s: float = 10.0
    account: Account | None = None


class Service:
    """A process in a group of its own, tied to the life of the supervisor, with a log file."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """Name for the console and the log file."""
        return self.command.name

    @property
    def pid(self) -> int | None:
        """Process id of the last start."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process and return when it is ready for work."""
        self.spawn()

    def settle(self) -> None:
        """Wait for what may come after the start of all that run side by side."""

    def spawn(self) -> None:
        """Start the process without waiting for anything."""
        command = self.command
        account = command.account or Account(uid=-1, gid=-1)
        argv = [
            *(sys.executable, "-I", "-S", str(LEASH), str(os.getpid())),
            *(str(int(command.death_signal)), str(account.uid), str(account.gid)),
            *command.argv,
        ]
        try:
            log_rotate(command.log)
            with command.log.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - our own fixed commands
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=dict(command.environment),
                    cwd=command.cwd,
                    start_new_session=True,
                )
        except OSError as error:
            raise StackError(describe_os_error(error, doing=f"start {command.name}")) from error

    def exit_code(self) -> int | None:
        """Return the exit code, or None while the process runs; -N when killed by signal N."""
        if self._process is None:
            return 0
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Send the stop signal to the process itself, which ends its own children."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.command.stop_signal)

    def finish(self, *, grace_s: float | None = None) -> None:
        """Wait for the end; after the grace time kill the whole process group."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self.command.grace_s if grace_s is None else grace_s)
        # Also after an orderly end: a child that outlived its parent is in the group still.
        self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill the process and its group at once."""
        if self._process is None:
            return
        # macOS says EPERM for a group of zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Stop in order, and by force after the grace time."""
        self.ask_to_stop()
        self.finish()

    def log_size(self) -> int:
        """Return where the log ends now, for `log_since`."""
        return self.command.log.stat().st_size if self.command.log.exists() else 0

    def log_since(self, position: int) -> str:
        """Return what was written after a `log_size`."""
        if not self.command.log.exists():
            return ""
        with self.command.log.open("rb") as file:
            file.seek(position)
            return file.read().decode(errors="replace")


def command_run(command: Command, *, timeout_s: float = 600.0) -> None:
    """Run a command to its end; a failure is a `StackError` with the last line it wrote."""
    service = Service(command)
    service.spawn()
    deadline = time.monotonic() + timeout_s
    try:
        while (code := service.exit_code()) is None:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{command.name} did not end within {timeout_s:.0f} s: see {command.log}."
                )
            time.sleep(POLL_S)
    finally:
        service.kill()
    if code != 0:
        last = log_tail(command.log, lines=1) or "it wrote nothing"
        raise StackError(f"{command.name} failed with code {code}: {last} (see {command.log})")


def log_rotate(path: Path) -> None:
    """Keep one old log file: the newest of it is what anybody reads after a failure."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))


def log_tail(path: Path, *, lines: int) -> str:
    """Return the last lines of a log file; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def describe_os_error(error: OSError, *, doing: str) -> str:
    """Say in one line what the operating system refused and what helps."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"The disk is full, could not {doing}{where}: free some space and start again."
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"No permission to {doing}{where}: run as the user that owns it, or move it away."
    if error.errno == errno.EROFS:
        return f"The disk is read-only, could not {doing}{where}: set VAR_DIR to another folder."
    return f"Could not {doing}{where}: {error.strerror or error}."
