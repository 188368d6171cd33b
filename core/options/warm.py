"""Warm-up: have the options' machine code ready before the first run asks for it."""

from __future__ import annotations

from core.options.compiled import kernel_load, loops_load, margin_load


def warm_options() -> None:
    """Load the compiled kernel and loops, or compile them.

    Call it when a worker starts, before it forks, after the engine's own `warm_kernels`. It takes
    a fraction of a second with numba's cache in place and some ten seconds without.
    """
    kernel_load()
    loops_load()
    margin_load()
