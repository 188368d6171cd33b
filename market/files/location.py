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

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the paths of the files in a folder and how many bytes they have."""

    def folders(self) -> list[str]:
        """Return the folders in the folders of this one, as `GOOG/1d`."""


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

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the files in a folder, but for those that are being written."""
        target = self.root / folder
        if not target.is_dir():
            return {}
        return {
            f"{folder}/{path.name}": path.stat().st_size
            for path in target.iterdir()
            if not path.name.startswith(".")
        }

    def folders(self) -> list[str]:
        """Return the folders in the folders of this one."""
        return sorted(
            path.relative_to(self.root).as_posix()
            for path in self.root.glob("*/*")
            if path.is_dir()
        )


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

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the files in a folder."""
        with contextlib.suppress(FileNotFoundError), _away_told():
            # Others write there too: what was listed before is not asked.
            self.files.invalidate_cache()
            listed = self.files.ls(f"{self.root}/{folder}", detail=True)
            return {
                f"{folder}/{one['name'].rpartition('/')[2]}": int(one["size"])
                for one in listed
                if one["type"] == "file"
            }
        return {}

    def folders(self) -> list[str]:
        """Return the folders in the folders of this one."""
        with contextlib.suppress(FileNotFoundError), _away_told():
            self.files.invalidate_cache()
            inner = [place for outer in self._inside(self.root) for place in self._inside(outer)]
            return sorted("/".join(place.split("/")[-2:]) for place in inner)
        return []

    def _inside(self, place: str) -> list[str]:
        listed = self.files.ls(place, detail=True)
        return [one["name"] for one in listed if one["type"] == "directory"]


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
