"""A spec together with the code that computes it: what a family contributes to the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.indicators.spec import Spec

Series = NDArray[np.float64]
Kernel = Callable[..., Any]
"""``kernel(*inputs, *values)`` -> one float64 array, or a tuple of them.

`inputs` are one-dimensional float64 arrays of one length in the order of `Spec.inputs`, with no
NaN and no infinity unless the kernel is `row_by_row`; `values` follow the order of
`Spec.parameters`. The kernel returns new arrays of the same length with NaN before warm-up,
changes nothing it is given, and copes with any length from 0 on.
"""


@dataclass(frozen=True, slots=True)
class Indicator:
    """An entry of the registry.

    Attributes
    ----------
    spec : Spec
        What callers see.
    kernel : Kernel
        How it is computed.
    warmup : callable
        ``warmup(*values)`` -> number of leading NaN on clean input.
    parameter_names : tuple of str
        Names of `spec.parameters`, in the order in which the kernel takes them.
    counts_bars : bool
        Whether its outputs are bar numbers, which move when the series starts later.
    row_by_row : bool
        Whether each value depends on its own row only: then a missing value in the input stays
        in its row by itself, and nothing is checked before.
    recursion : callable or None
        ``recursion(*values)`` -> whether it is recursive with these, where parameters decide.
    """

    spec: Spec
    kernel: Kernel
    warmup: Callable[..., int]
    parameter_names: tuple[str, ...]
    counts_bars: bool = False
    row_by_row: bool = False
    recursion: Callable[..., bool] | None = None


def indicator_build(
    spec: Spec,
    *,
    kernel: Kernel,
    warmup: Callable[..., int],
    counts_bars: bool = False,
    row_by_row: bool = False,
) -> Indicator:
    """Return the entry of `spec`, with its default lookback filled in."""
    defaults = [parameter.default for parameter in spec.parameters]
    return Indicator(
        spec=replace(spec, lookback=warmup(*defaults)),
        kernel=kernel,
        warmup=warmup,
        parameter_names=tuple(parameter.name for parameter in spec.parameters),
        counts_bars=counts_bars,
        row_by_row=row_by_row,
    )
