"""What an indicator shows on bars: of the store, or of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.errors import Detail, InvalidInput
from core.indicators.registry import compute, lookback, params_bind
from core.indicators.spec import PRICE_FIELDS, Spec
from market.store import bars_read

NS_PER_MS = 1_000_000
DEFAULT_SOURCE = "close"


@dataclass(frozen=True, slots=True)
class Values:
    """The outputs of an indicator, with the parameters that made them.

    Attributes
    ----------
    outputs : dict
        A float64 array per output, as long as the bars, NaN before warm-up.
    params : dict
        Every parameter's value.
    lookback : int
        Bars without a value on data without gaps.
    """

    outputs: dict[str, NDArray[np.float64]]
    params: dict[str, Any]
    lookback: int


def indicator_values(
    *, spec: Spec, bars: Bars, params: Mapping[str, Any], inputs: Mapping[str, str]
) -> Values:
    """Compute an indicator over bars.

    Parameters
    ----------
    params : Mapping
        By name or alias; the others keep their defaults.
    inputs : Mapping
        A price field per input of the indicator. ``source`` is the close where it is not given,
        a price column itself; any other series must be named.

    Raises
    ------
    InvalidInput
        With every fault of the parameters, or of the inputs.
    """
    bound = params_bind(spec, params)
    fields = _fields_of(spec, inputs)
    series = {name: getattr(bars, field) for name, field in fields.items()}
    return Values(
        outputs=compute(spec, series, bound), params=dict(bound), lookback=lookback(spec, bound)
    )


def _fields_of(spec: Spec, inputs: Mapping[str, str]) -> dict[str, str]:
    """Return the price field of every input of an indicator."""
    defaults = {field: field for field in PRICE_FIELDS} | {"source": DEFAULT_SOURCE}
    fields = {name: inputs.get(name, defaults.get(name, "")) for name in spec.inputs}
    faults = []
    for name in inputs:
        if name not in spec.inputs:
            message = f"{spec.name} has no input {name!r}; it has: {', '.join(spec.inputs)}."
            faults.append(
                Detail(f"inputs.{name}", "unknown_input", message, list(spec.inputs), name)
            )
    for name, field in fields.items():
        if field not in PRICE_FIELDS:
            message = (
                f"{spec.name} needs a series for its input {name!r}: "
                f"give one of {', '.join(PRICE_FIELDS)}."
            )
            faults.append(
                Detail(f"inputs.{name}", "required", message, list(PRICE_FIELDS), field or None)
            )
    if faults:
        raise InvalidInput(faults[0].message, details=faults)
    return fields


def indicator_preview(
    *,
    owner_id: UUID,
    spec: Spec,
    symbol: str,
    interval: str,
    params: Mapping[str, Any],
    inputs: Mapping[str, str],
    limit: int,
    start: date | None = None,
    end: date | None = None,
    adjusted: bool = True,
) -> dict[str, Any]:
    """Return the last values of an indicator over stored bars, as the API answers them."""
    stored = bars_read(
        owner_id=owner_id,
        symbol=symbol,
        interval=interval,
        start=start,
        end=end,
        adjusted=adjusted,
    )
    values = indicator_values(spec=spec, bars=stored.bars, params=params, inputs=inputs)
    return {
        "name": spec.name,
        "params": values.params,
        "symbol": stored.instrument_symbol,
        "interval": stored.interval.name,
        "snapshot": stored.snapshot,
        "lookback": values.lookback,
        "ts": stored.bars.ts[-limit:] // NS_PER_MS,
        "outputs": {
            name: np.ascontiguousarray(series[-limit:]) for name, series in values.outputs.items()
        },
    }
