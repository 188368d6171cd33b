"""TA-Lib's functions as indicators, made from its own metadata.

Values, warm-up and seeding are TA-Lib's. Its global settings (unstable periods, compatibility,
candle settings) change results for everybody in the process: nothing here touches them, and
nothing in the product may.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from inspect import unwrap
from typing import Any

import numpy as np
import talib.abstract

from core.indicators.averages import AVERAGE_CODES
from core.indicators.indicator import Indicator, Kernel, indicator_build
from core.indicators.spec import Parameter, Spec
from core.indicators.ta_lib import traits
from core.indicators.ta_lib.documentation import DESCRIPTIONS, PATTERN
from core.indicators.ta_lib.parameters import FOLLOWS, limits_get, wording_get
from core.indicators.ta_lib.variants import VARIANTS, variant_apply

_TALIB: Any = talib
"""Untyped on purpose: TA-Lib's stub files leave out `Function` and annotate no metadata."""

_AVERAGE_NAMES = {code: name for name, code in AVERAGE_CODES.items()}


def _parameter_build(function: str, raw: str, default: float) -> Parameter:
    """Return our parameter for TA-Lib's parameter `raw` of `function`."""
    wording = wording_get(function, raw)
    aliases = tuple(dict.fromkeys(name for name in (raw, *wording.aliases) if name != wording.name))
    if raw.endswith("matype"):
        return Parameter(
            name=wording.name,
            kind="choice",
            default=_AVERAGE_NAMES[int(default)],
            choices=tuple(AVERAGE_CODES),
            description=wording.description,
            aliases=aliases,
        )
    minimum, maximum = limits_get(function, raw)
    return Parameter(
        name=wording.name,
        kind="int" if isinstance(default, int) else "float",
        default=default,
        minimum=minimum,
        maximum=maximum,
        description=wording.description,
        aliases=aliases,
        follows=FOLLOWS.get(raw, ""),
    )


def _inputs_build(function: str, raw: Mapping[str, str | list[str]]) -> Iterator[str]:
    """Yield our names of the inputs, in TA-Lib's order."""
    for name, fields in raw.items():
        if name == "prices":
            yield from fields
        else:
            yield traits.INPUT_OVERRIDES.get((function, name), traits.INPUTS[name])


def _aliases_build(function: str, title: str) -> tuple[str, ...]:
    """Return other names: the table's, a pattern's without ``cdl``, and the snake-cased title."""
    bare = [function.removeprefix("CDL").lower()] if function.startswith("CDL") else []
    snake = re.sub(r"[^a-z0-9]+", "_", title.lower().replace("'", "")).strip("_")
    names = [*traits.ALIASES.get(function, ()), *bare, snake]
    return tuple(dict.fromkeys(name for name in names if name != function.lower()))


def _spec_build(function: str) -> Spec:
    """Return the spec of a TA-Lib function."""
    info = _TALIB.abstract.Function(function).info
    flags = set(info["function_flags"] or ())
    title = traits.TITLES.get(function, info["display_name"])
    return Spec(
        name=function.lower(),
        title=title,
        group=traits.GROUP_OVERRIDES.get(function, traits.GROUPS[info["group"]]),
        inputs=tuple(_inputs_build(function, info["input_names"])),
        parameters=tuple(
            _parameter_build(function, raw, default) for raw, default in info["parameters"].items()
        ),
        outputs=tuple(traits.OUTPUTS.get(raw, raw) for raw in info["output_names"]),
        recursive=function in traits.RECURSIVE or bool(flags & traits.RECURSIVE_FLAGS),
        repaints=False,
        description=DESCRIPTIONS.get(function, PATTERN),
        aliases=_aliases_build(function, title),
        overlay=traits.SAME_SCALE_FLAG in flags and function not in traits.OTHER_SCALE,
    )


def _warmup_build(function: str, raw_names: tuple[str, ...]) -> Callable[..., int]:
    """Return ``warmup(*values)``: TA-Lib's own lookback for the given parameters."""

    @lru_cache(maxsize=1024)
    def warmup(*values: Any) -> int:
        if not raw_names:
            return int(_TALIB.abstract.Function(function).lookback)
        # A new instance each time: the module's own ones are shared and keep what they are told.
        instance = _TALIB.abstract.Function(function)
        codes = (AVERAGE_CODES.get(value, value) for value in values)
        instance.set_parameters(dict(zip(raw_names, codes, strict=True)))
        return int(instance.lookback)

    return warmup


def _kernel_build(spec: Spec, plain: Kernel, warmup: Callable[..., int], *, whole: bool) -> Kernel:
    """Wrap a TA-Lib function where it needs translation; most are used as they are.

    Parameters
    ----------
    whole : bool
        Whether some outputs are whole numbers, which TA-Lib gives as int32 with 0 for warm-up.
    """
    choices = tuple(parameter.kind == "choice" for parameter in spec.parameters)
    n_inputs = len(spec.inputs)

    def named(*arguments: Any) -> Any:
        values = (
            AVERAGE_CODES[value] if choice else value
            for choice, value in zip(choices, arguments[n_inputs:], strict=True)
        )
        return plain(*arguments[:n_inputs], *values)

    def whole_numbers(*arguments: Any) -> Any:
        result = called(*arguments)
        start = fixed if choices == () else warmup(*arguments[n_inputs:])
        if type(result) is tuple:
            return tuple(_float_output(output, start) for output in result)
        return _float_output(result, start)

    fixed = 0 if choices else warmup()
    called = named if any(choices) else plain
    return whole_numbers if whole else called


def _float_output(output: Any, start: int) -> Any:
    """Return an output as float64, with NaN before `start`."""
    if output.dtype == np.float64:
        return output
    converted = output.astype(np.float64)
    converted[:start] = np.nan
    return converted


def _gives_whole_numbers(plain: Kernel, n_inputs: int) -> bool:
    """Return whether a TA-Lib function has int32 outputs: its type for an empty input says so."""
    result = plain(*[np.empty(0)] * n_inputs)
    outputs = result if type(result) is tuple else (result,)
    return any(output.dtype != np.float64 for output in outputs)


def _indicator_build(function: str) -> Indicator:
    """Return the indicator made of a TA-Lib function."""
    # Unwrapped: the outer function only looks for pandas and polars series among the arguments.
    plain: Kernel = unwrap(getattr(_TALIB, function))
    spec = _spec_build(function)
    info = _TALIB.abstract.Function(function).info
    warmup = _warmup_build(function, tuple(info["parameters"]))
    whole = _gives_whole_numbers(plain, len(spec.inputs))
    built = indicator_build(
        spec,
        kernel=_kernel_build(spec, plain, warmup, whole=whole),
        warmup=warmup,
        counts_bars=function in traits.BAR_NUMBERS,
        row_by_row=function in traits.ROW_BY_ROW or info["group"] == traits.ROW_BY_ROW_GROUP,
    )
    return variant_apply(built, VARIANTS[function]) if function in VARIANTS else built


INDICATORS: tuple[Indicator, ...] = tuple(
    _indicator_build(function) for function in _TALIB.get_functions()
)
"""All functions of the installed TA-Lib."""
