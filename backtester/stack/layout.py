"""Where a stack keeps its files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from backtester.stack.account import account_for, is_reachable
from backtester.stack.cluster import Cluster
from backtester.stack.errors import StackError
from backtester.stack.service import describe_os_error

# For PostgreSQL's data when root's own folders are closed to every other user.
SYSTEM_HOME = Path("/var/lib/algobacktester")


@dataclass(frozen=True, slots=True)
class Layout:
    """The private folder of a stack (`var/`) and what lies in it."""

    var_dir: Path

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.var_dir / "logs"

    @property
    def valkey(self) -> Path:
        """Valkey's files; may be lost."""
        return self.var_dir / "valkey"

    def create(self) -> None:
        """Create the folders, closed to other users.

        As root the outer folder may be passed through, not listed: PostgreSQL runs as another
        user and has its data inside. Everything else in it is closed.
        """
        mode = 0o711 if os.geteuid() == 0 else 0o700
        try:
            self.var_dir.mkdir(mode=mode, parents=True, exist_ok=True)
            if self.var_dir.stat().st_mode & 0o777 != mode:
                self.var_dir.chmod(mode)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            message = describe_os_error(error, doing="set up the stack's folder")
            raise StackError(message) from error

    def cluster(self) -> Cluster:
        """Return PostgreSQL's folder, in `var/postgres` or behind that symbolic link.

        Nothing is opened up for PostgreSQL's user: where it cannot reach `var/`, as in a checkout
        under /root, its data goes to a system folder and `var/postgres` is a link to it.
        """
        link = self.var_dir / "postgres"
        home = link.resolve()
        account = account_for(home)
        if account is not None and not home.exists() and not is_reachable(self.var_dir, account):
            digest = hashlib.sha256(str(self.var_dir.resolve()).encode()).hexdigest()[:12]
            home = SYSTEM_HOME / digest
            try:
                SYSTEM_HOME.mkdir(mode=0o711, parents=True, exist_ok=True)
                if not link.is_symlink():
                    link.symlink_to(home)
            except OSError as error:
                message = describe_os_error(error, doing="set up PostgreSQL's folder")
                raise StackError(message) from error
        return Cluster(home=home, account=account)
