"""What a stack keeps between starts: secrets, ports, and where the running one is.

`var/` is private to its user; `var/stack.json` holds the secrets made at the first start and the
ports, so that a second start is the same; `var/stack.lock` is locked as long as a stack runs,
which ends with the process however that ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from backtester.stack.errors import StackError
from backtester.stack.service import describe_os_error

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Running:
    """Where the running stack is to be found."""

    pid: int
    base_url: str
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class State:
    """The content of `var/stack.json`."""

    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(64))
    valkey_password: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    postgres_port: int = 0
    valkey_port: int = 0
    running: Running | None = None


def state_load(var_dir: Path) -> State:
    """Return what an earlier start kept, or a new state with new secrets."""
    path = var_dir / "stack.json"
    try:
        content = json.loads(path.read_text())
        running = content.pop("running", None)
        return State(**content, running=Running(**running) if running else None)
    except FileNotFoundError:
        return State()
    except OSError as error:
        raise StackError(describe_os_error(error, doing="read the stack's state")) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise StackError(
            f"{path} is damaged: remove it and start again (new secrets end all sessions, data "
            "is kept)."
        ) from error


def state_save(var_dir: Path, state: State) -> None:
    """Write the state; readers see the old one or the new one, never half of it."""
    path = var_dir / "stack.json"
    staging = var_dir / "stack.json.new"
    try:
        staging.unlink(missing_ok=True)
        staging.touch(mode=0o600)
        with staging.open("w") as file:
            json.dump(asdict(state), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        staging.replace(path)
    except OSError as error:
        raise StackError(describe_os_error(error, doing="keep the stack's state")) from error


def running_get(var_dir: Path) -> Running | None:
    """Return the running stack of this folder, or None.

    Cheap: one small file and one lock that is tried and let go.
    """
    try:
        descriptor = os.open(var_dir / "stack.lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        # Shared, so that two who look at the same time do not take each other for a stack.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            return state_load(var_dir).running
        except StackError:
            return None
    finally:
        os.close(descriptor)
    return None


def environment_of_running_stack(var_dir: Path) -> dict[str, str]:
    """Return the variables (DATABASE_URL, REDIS_URL, SECRET_KEY, …) of the running stack.

    Empty when none runs in this folder, or when it is not ours to read.
    """
    running = running_get(var_dir)
    return dict(running.environment) if running else {}


@contextmanager
def stack_lock(var_dir: Path) -> Iterator[None]:
    """Hold the folder for one stack.

    Raises
    ------
    StackError
        When another process holds it.
    """
    try:
        descriptor = os.open(var_dir / "stack.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StackError(describe_os_error(error, doing="lock the stack's folder")) from error
    try:
        if not _lock_take(descriptor):
            holder = os.pread(descriptor, 20, 0).decode().strip()
            raise StackError(
                f"A stack is starting or stopping in {var_dir} (process {holder}): wait for it."
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock_take(descriptor: int) -> bool:
    """Try for a moment: somebody may just be looking whether a stack runs."""
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def running_set(var_dir: Path, running: Running) -> None:
    """Say where the stack is; with the lock this is true until the process ends."""
    state_save(var_dir, replace(state_load(var_dir), running=running))
