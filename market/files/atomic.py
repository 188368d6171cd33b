"""Writing a local file so that it is there whole or not at all, whatever stops us."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final

# Of a file that is compared, in memory at once.
PIECE: Final = 1024 * 1024


def file_write(path: Path, data: bytes) -> None:
    """Write a file atomically and durably.

    A temporary file in the same folder is written, flushed to the disk, read back and compared;
    only then it takes the name, in one step, and the folder is flushed too. Whoever opens the
    name sees the file of before or the new one.

    Raises
    ------
    OSError
        When the disk is full, read-only, or gives back other bytes than it was given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _check_holds(Path(temporary), data)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def holds(path: Path, data: bytes) -> bool:
    """Return whether a file has these bytes, reading it a piece at a time."""
    expected = memoryview(data)
    if path.stat().st_size != len(expected):
        return False
    with path.open("rb") as file:
        pieces = range(0, len(expected), PIECE)
        return all(file.read(PIECE) == expected[begin : begin + PIECE] for begin in pieces)


def _check_holds(path: Path, data: bytes) -> None:
    if not holds(path, data):
        raise OSError(f"{path} does not hold what was written to it: check the disk.")
