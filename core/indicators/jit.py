"""How our own loops over bars are compiled: when first called, once, and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, update_wrapper
from typing import Any, Final, TypeVar, cast

from numba import njit, types

Loop = TypeVar("Loop", bound=Callable[..., Any])

SERIES: Final = types.Array(types.float64, 1, "C", readonly=True)
"""A series. Arrays that may be written are taken too, so that one version serves both."""

WHOLE: Final = types.int64
NUMBER: Final = types.float64


def looped(*signature: Any) -> Callable[[Loop], Loop]:
    """Compile a loop for exactly these types of arguments, when it is first called.

    Numba compiles at import where it is given a signature, and without one it compiles once
    more for arrays that are read-only. Here an import costs nothing and there is one version.
    """

    def decorate(function: Loop) -> Loop:
        @cache
        def compiled() -> Callable[..., Any]:
            # IEEE 754 division, and no fast-math: every operation rounds as it is written, so
            # that a long series and its first bars alone agree to the last bit.
            options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
            return cast(Callable[..., Any], njit([signature], **options)(function))

        def call(*arguments: Any) -> Any:
            return compiled()(*arguments)

        return cast(Loop, update_wrapper(call, function))

    return decorate
