"""Where bars are kept: a local folder, or any URL that fsspec knows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import fsspec
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]  # it has no types

from core.errors import Transient
from market.files.atomic import file_write, holds


class Location(Protocol):
    """A folder that holds files by relative path."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes; FileNotFoundError where there is none."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file whole or not at all."""

    def delete(self, path: str) -> None:
        """Delete a file; one that is not there is no error."""


class LocalFolder:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        return (self.root / path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        """Write a file atomically; one that holds these bytes already is left alone."""
        target = self.root / path
        if target.is_file() and holds(target, data):
            return
        file_write(target, data)

    def delete(self, path: str) -> None:
        """Delete a file, and its folder where it was the last one."""
        target = self.root / path
        target.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            target.parent.rmdir()


class RemoteFolder:
    """A folder of an object store or file server; its writes are whole by their nature."""

    def __init__(self, url: str) -> None:
        self.files, self.root = fsspec.url_to_fs(url)

    def read(self, path: str) -> bytes:
        """Return a file's bytes."""
        with _away_told():
            data: bytes = self.files.cat_file(f"{self.root}/{path}")
        return data

    def write(self, path: str, data: bytes) -> None:
        """Write a file, read it back and compare."""
        target = f"{self.root}/{path}"
        with _away_told():
            self.files.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
            self.files.pipe_file(target, data)
            same = self.files.cat_file(target) == data
        if not same:
            raise OSError(f"{target} does not hold what was written to it.")

    def delete(self, path: str) -> None:
        """Delete a file."""
        with contextlib.suppress(FileNotFoundError), _away_told():
            self.files.rm_file(f"{self.root}/{path}")


@contextlib.contextmanager
def _away_told() -> Iterator[None]:
    """Say that the store cannot be reached, or does not let us in, in words of ours."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, BotoCoreError) as error:
        raise Transient(
            f"The bar store cannot be used ({type(error).__name__}): is BARS_URL right, is it "
            "reachable, and do its credentials allow reading and writing?",
            code="bar_store_away",
        ) from error


def location_of(url: str) -> Location:
    """Return the location of a path, a `file://` URL, or any other URL fsspec knows."""
    if url.startswith("file://"):
        url = url.removeprefix("file://")
    return RemoteFolder(url) if "://" in url else LocalFolder(Path(url))
