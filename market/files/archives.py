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
UNPACKED_MAX: Final = 1024 * MIB
# Bars shrink to a fifth, those that stand still to a thirtieth; a bomb, to a thousandth.
RATIO_MAX: Final = 100
# Up to here nothing is suspected: a small file may well repeat itself.
UNSUSPECTED: Final = 16 * MIB
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
        return member_read(archive, names[0], limit=limit)


def member_read(archive: zipfile.ZipFile, name: str, *, limit: int) -> bytes:
    """Return a file of a zip archive; raises as `limited_read`."""
    with archive.open(name) as member:
        return limited_read(member, limit=limit, packed=archive.getinfo(name).compress_size)


def gzip_read(data: bytes, *, limit: int) -> bytes:
    """Return what gzip packed.

    Raises
    ------
    InvalidInput
        When it is cut off or damaged, or unpacks to more than the limit.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            return limited_read(stream, limit=limit, packed=len(data))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(
            f"This is not a whole gzip file: {error}.", code="malformed_file"
        ) from error


def limited_read(stream: IO[bytes] | gzip.GzipFile, *, limit: int, packed: int) -> bytes:
    """Return all bytes of a stream, read in pieces so that a bomb never unfolds in memory.

    Parameters
    ----------
    stream : binary file
    limit : int
        Bytes that it may have.
    packed : int
        Bytes that it was packed in: what shrank to less than a hundredth is a bomb.

    Raises
    ------
    InvalidInput
        When there are more.
    """
    whole = io.BytesIO()
    believable = max(UNSUSPECTED, RATIO_MAX * packed)
    while part := stream.read(CHUNK):
        size = whole.tell() + len(part)
        if size > limit:
            raise InvalidInput(
                f"The file unpacks to more than {limit // MIB:,} MiB: split it.",
                code="too_large",
            )
        if size > believable:
            raise InvalidInput(
                f"The file unpacks to more than {RATIO_MAX} times its size, which no table of bars "
                "does: pack it anew, or send it as it is.",
                code="too_large",
            )
        whole.write(part)
    # Shares the bytes: they are there once.
    return whole.getvalue()
