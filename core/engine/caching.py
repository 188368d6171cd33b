"""Compiled functions that outlive their process: compiled once a machine, then read."""

from __future__ import annotations

import hashlib
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import numba

_ENGINE: Final = Path(__file__).parent

_log = logging.getLogger(__name__)


def kernel_cached(
    function: Callable[..., Any], signature: Any, *sources: Path, **options: Any
) -> Callable[..., Any]:
    """Return a function compiled for one signature, from numba's cache or anew.

    A cache folder that is missing, read-only or full, or a damaged cache, costs the seconds of a
    compilation and nothing else.

    Parameters
    ----------
    function : callable
        Of a module; what it calls may be anywhere in the engine and in `sources`.
    signature : str or tuple of numba types
        Of its arguments: with these fixed, it is compiled exactly once.
    *sources : Path
        Files of rules beside the engine's own.
    **options
        Of `numba.njit`.
    """
    # Numba looks only at the file of the function it caches, not at those of the functions which
    # that one calls. With the sources in the name, no stale kernel survives an edit of a rule, and
    # not even the index of one is read, whose types may have moved to another module since.
    function.__qualname__ = f"{function.__name__}_{source_fingerprint(*sources)[:16]}"
    try:
        compiled = numba.njit(signature, cache=True, **options)(function)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        _log.warning("The kernel's cache cannot be used (%s): it is compiled anew.", error)
        compiled = numba.njit(signature, **options)(function)
    return cast(Callable[..., Any], compiled)


def source_fingerprint(*sources: Path) -> str:
    """Return a hash of the engine's sources, and of other files."""
    digest = hashlib.sha256()
    for path in sorted((*_ENGINE.glob("*.py"), *sources)):
        digest.update(path.read_bytes())
    return digest.hexdigest()
