"""Compressed files from others: unpacked up to a limit, whatever they say of themselves."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path
from typing import IO, Final

from core.errors import InvalidInput

MIB: Final = 1024 * 1024
UNPACKED_MAX: Final = 2048 * MIB
CHUNK: Final = MIB


def zip_member(path: Path, *, limit: int = UNPACKED_MAX) -> bytes:
    """Return the first file of a zip archive.

    Raises
    ------
    InvalidInput
        When it unpacks to more than the limit.
    BadZipFile
        When it is no archive, or empty.
    """
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if not names:
            raise zipfile.BadZipFile(f"{path.name} is empty")
        with archive.open(names[0]) as member:
            return limited_read(member, limit=limit)


def gzip_read(data: bytes, *, limit: int) -> bytes:
    """Return what gzip packed.

    Raises
    ------
    InvalidInput
        When it is cut off or damaged, or unpacks to more than the limit.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            return limited_read(stream, limit=limit)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(
            f"This is not a whole gzip file: {error}.", code="malformed_file"
        ) from error


def limited_read(stream: IO[bytes] | gzip.GzipFile, *, limit: int) -> bytes:
    """Return all bytes of a stream, read in pieces so that a bomb never unfolds in memory.

    Raises
    ------
    InvalidInput
        When there are more than `limit`.
    """
    parts: list[bytes] = []
    size = 0
    while part := stream.read(CHUNK):
        size += len(part)
        if size > limit:
            raise InvalidInput(
                f"The file unpacks to more than {limit // MIB:,} MiB: split it.",
                code="too_large",
            )
        parts.append(part)
    return b"".join(parts)
