"""Which system user runs PostgreSQL: it refuses to run as root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Account:
    """A system user and its group."""

    uid: int
    gid: int


def account_for(home: Path) -> Account | None:
    """Return the user that is to run the server, or None for the user we are.

    Root gives the server to the owner of its folder, or to `nobody` at the first start.
    """
    if os.geteuid() != 0:
        return None
    if home.exists() and (status := home.stat()).st_uid != 0:
        return Account(uid=status.st_uid, gid=status.st_gid)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(uid=NOBODY, gid=NOBODY)
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def is_reachable(path: Path, account: Account | None) -> bool:
    """Return whether the user may enter every folder from the root down to this path."""
    if account is None:
        return True
    path = path.resolve()
    folders = [folder for folder in (path, *path.parents) if folder.is_dir()]
    return all(_may_enter(folder, account) for folder in folders)


def tree_own(folder: Path, account: Account | None) -> None:
    """Give a folder and everything in it to the user."""
    if account is None:
        return
    for root, _, names in os.walk(folder):
        os.chown(root, account.uid, account.gid)
        for name in names:
            os.chown(Path(root) / name, account.uid, account.gid, follow_symlinks=False)


def _may_enter(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
