"""How our own loops over bars are compiled: when first called, once, and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, update_wrapper
from pickle import UnpicklingError
from typing import Any, Final, TypeVar, cast

from numba import njit, types

Loop = TypeVar("Loop", bound=Callable[..., Any])

SERIES: Final = types.Array(types.float64, 1, "C", readonly=True)
"""A series. Arrays that may be written are taken too, so that one version serves both."""

BUFFER: Final = types.Array(types.float64, 1, "C")
"""A series that the loop changes: never an input of an indicator."""

INDEXES: Final = types.Array(types.int64, 1, "C", readonly=True)
"""Numbers of bars."""

FLAGS: Final = types.Array(types.int32, 1, "C", readonly=True)
"""Whole numbers as TA-Lib gives them."""

WHOLE: Final = types.int64
NUMBER: Final = types.float64

_CACHE_FAULTS: Final = (RuntimeError, OSError, EOFError, UnpicklingError, ValueError)
"""What numba raises where no folder can be written, the disk is full, or a file is damaged."""


def compiled(function: Loop, *signature: Any) -> Loop:
    """Return `function` compiled for exactly these types of arguments.

    The machine code is kept beside the source, or in the user's cache folder where that cannot be
    written. Where neither can, or what is kept cannot be read, it is compiled for this process
    alone, which costs some tenths of a second.
    """
    # IEEE 754 division, and no fast-math: every operation rounds as it is written, so that a
    # long series and its first bars alone agree to the last bit.
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return cast(Loop, njit([signature], cache=True, **options)(function))
    except _CACHE_FAULTS:
        # A fault of the function itself comes up again.
        return cast(Loop, njit([signature], **options)(function))


def looped(*signature: Any) -> Callable[[Loop], Loop]:
    """Compile a loop for exactly these types of arguments, when it is first called.

    Numba compiles at import where it is given a signature, and without one it compiles once
    more for arrays that are read-only. Here an import costs nothing and there is one version.
    """

    def decorate(function: Loop) -> Loop:
        @cache
        def ready() -> Loop:
            return compiled(function, *signature)

        def call(*arguments: Any) -> Any:
            return ready()(*arguments)

        return cast(Loop, update_wrapper(call, function))

    return decorate
