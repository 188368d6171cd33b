"""Every indicator the product knows, by name: look up, bind, compute.

Adding an indicator: write its kernel and spec in a family module, list the module's `INDICATORS`
in `_FAMILIES` below, and the property tests of the registry cover it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from core.errors import Detail, InvalidInput
from core.indicators import (
    adaptive,
    cybernetic,
    ehlers,
    momentum,
    oscillators,
    performance,
    ranges,
    sessions,
    statistics,
    swings,
    trend,
    volatility,
    volume,
    zigzag,
)
from core.indicators.averages import RECURSIVE_AVERAGES
from core.indicators.indicator import Indicator, Series
from core.indicators.parameters import params_bind
from core.indicators.series import all_finite, runs_finite, series_prepare
from core.indicators.spec import Spec
from core.indicators.ta_lib.family import INDICATORS as TA_LIB

__all__ = [
    "compute",
    "indicator_get",
    "indicator_list",
    "is_recursive",
    "lookback",
    "params_bind",
]

_FAMILIES: tuple[tuple[Indicator, ...], ...] = (
    TA_LIB,
    adaptive.INDICATORS,
    cybernetic.INDICATORS,
    ehlers.INDICATORS,
    momentum.INDICATORS,
    oscillators.INDICATORS,
    performance.INDICATORS,
    ranges.INDICATORS,
    sessions.INDICATORS,
    statistics.INDICATORS,
    swings.INDICATORS,
    trend.INDICATORS,
    volatility.INDICATORS,
    volume.INDICATORS,
    zigzag.INDICATORS,
)


def _names_index(families: tuple[tuple[Indicator, ...], ...]) -> dict[str, Indicator]:
    """Return all indicators by name, in the order of the listing: group, then name."""
    entries = sorted(
        (entry for family in families for entry in family),
        key=lambda entry: (entry.spec.group == "pattern", entry.spec.group, entry.spec.name),
    )
    index = {entry.spec.name: entry for entry in entries}
    if len(index) != len(entries):
        names = [entry.spec.name for entry in entries]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise RuntimeError(f"Two indicators have the name {', '.join(twice)}.")
    return index


def _aliases_index(index: Mapping[str, Indicator]) -> dict[str, str]:
    """Return the name behind each alias."""
    aliases: dict[str, str] = {}
    for name, entry in index.items():
        for alias in entry.spec.aliases:
            other = alias if alias in index else aliases.setdefault(alias, name)
            if other != name:
                raise RuntimeError(f"The alias '{alias}' of {name} already means {other}.")
    return aliases


_BY_NAME = _names_index(_FAMILIES)
_ALIASES = _aliases_index(_BY_NAME)
_SPECS = tuple(entry.spec for entry in _BY_NAME.values())


def indicator_list() -> tuple[Spec, ...]:
    """Return the specs of all indicators, by group and name, candle patterns last."""
    return _SPECS


def indicator_get(name: str) -> Spec:
    """Return the spec of an indicator.

    Parameters
    ----------
    name : str
        A name or alias in any case; spaces and dashes count as underscores.

    Raises
    ------
    InvalidInput
        If there is none; the message names near matches.
    """
    key = "_".join(str(name).strip().lower().replace("-", " ").split())
    entry = _BY_NAME.get(_ALIASES.get(key, key))
    if entry is not None:
        return entry.spec
    near = get_close_matches(key, [*_BY_NAME, *_ALIASES], n=6, cutoff=0.6)
    names = list(dict.fromkeys(_ALIASES.get(match, match) for match in near))[:3]
    hint = f"Did you mean {' or '.join(names)}?" if names else "GET indicators lists them all."
    message = f"There is no indicator '{name}'. {hint}"
    detail = Detail("name", "unknown_indicator", message, expected=names or None, received=name)
    raise InvalidInput(message, details=[detail])


def lookback(spec: Spec, bound: Mapping[str, float | str]) -> int:
    """Return the number of leading NaN that `compute` gives on clean input.

    The first value stands at this index (0-based), so ``lookback + 1`` bars give one value. All
    outputs of an indicator start together.
    """
    entry = _BY_NAME[spec.name]
    return entry.warmup(*[bound[name] for name in entry.parameter_names])


def is_recursive(spec: Spec, bound: Mapping[str, float | str]) -> bool:
    """Return whether values depend on all earlier bars with these parameters.

    Then data that starts later gives slightly other values, and a live run must load far more
    history than `lookback` to agree with a backtest.
    """
    entry = _BY_NAME[spec.name]
    if entry.recursion is not None:
        return entry.recursion(*[bound[name] for name in entry.parameter_names])
    return spec.recursive or any(
        bound[parameter.name] in RECURSIVE_AVERAGES
        for parameter in spec.parameters
        if parameter.kind == "choice"
    )


def compute(
    spec: Spec,
    inputs: Mapping[str, NDArray[np.float64]],
    bound: Mapping[str, float | str],
    *,
    clean: Container[str] = (),
) -> dict[str, Series]:
    """Compute an indicator.

    Parameters
    ----------
    spec : Spec
        From `indicator_get` or `indicator_list`.
    inputs : mapping
        One-dimensional arrays of one length for at least the names in `spec.inputs`; float64 is
        used as it is, float32, integers and bools are converted. Never changed.
    bound : mapping
        From `params_bind`.
    clean : container of str, optional
        Names of inputs known to be finite throughout, such as the columns of validated bars:
        they are not searched for missing values, which saves about 0.1 ns a bar each.

    Returns
    -------
    dict
        A new float64 array per name of `spec.outputs`, each as long as the input.

    Notes
    -----
    - The first `lookback` values are NaN; a series that is not longer gives NaN only, an empty
      one gives empty arrays.
    - A row in which any input is NaN or infinite is missing. Missing rows at the start are
      skipped, so indicators can be chained; a missing row later is a gap: the output is NaN
      there and the indicator starts afresh after it, warm-up and all. (TA-Lib itself would give
      NaN to the end of the series in some functions and nonsense in others.) Functions of a
      single row (``add``, ``sqrt``, ``typprice``) give that row's own NaN or infinity instead.
    - ``f(x)[:k]`` equals ``f(x[:k])`` bit for bit: no value depends on a later bar.
    - A value after warm-up is NaN or infinite only where the formula divides by zero (relative
      volume after bars without volume) or is undefined (the logarithm of a negative number).

    Raises
    ------
    InvalidInput
        If an input is missing, not numeric, not one-dimensional, or of another length.
    """
    entry = _BY_NAME[spec.name]
    arrays = series_prepare(spec.inputs, inputs)
    values = [bound[name] for name in entry.parameter_names]
    if not entry.row_by_row:
        for name, array in zip(spec.inputs, arrays, strict=True):
            if name not in clean and not all_finite(array):
                return _compute_runs(entry, arrays, values)
    result = entry.kernel(*arrays, *values)
    if type(result) is tuple:
        return dict(zip(spec.outputs, result, strict=True))
    return {spec.outputs[0]: result}


def _compute_runs(
    entry: Indicator, arrays: list[Series], values: list[float | str]
) -> dict[str, Series]:
    """Compute each stretch of rows without missing values on its own."""
    length = arrays[0].shape[0]
    outputs = {name: np.full(length, np.nan) for name in entry.spec.outputs}
    for start, stop in runs_finite(arrays):
        result = entry.kernel(*[array[start:stop] for array in arrays], *values)
        parts = result if type(result) is tuple else (result,)
        for output, part in zip(outputs.values(), parts, strict=True):
            output[start:stop] = part + start if entry.counts_bars else part
    return outputs
