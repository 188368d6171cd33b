"""Where bars are kept: a local folder, or any URL that fsspec knows."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Protocol

import fsspec

from market.files.atomic import file_write


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
        if target.is_file() and target.read_bytes() == data:
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
        data: bytes = self.files.cat_file(f"{self.root}/{path}")
        return data

    def write(self, path: str, data: bytes) -> None:
        """Write a file, read it back and compare."""
        target = f"{self.root}/{path}"
        self.files.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        self.files.pipe_file(target, data)
        if self.files.cat_file(target) != data:
            raise OSError(f"{target} does not hold what was written to it.")

    def delete(self, path: str) -> None:
        """Delete a file."""
        with contextlib.suppress(FileNotFoundError):
            self.files.rm_file(f"{self.root}/{path}")


def location_of(url: str) -> Location:
    """Return the location of a path, a `file://` URL, or any other URL fsspec knows."""
    if url.startswith("file://"):
        url = url.removeprefix("file://")
    return RemoteFolder(url) if "://" in url else LocalFolder(Path(url))
