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
from core.indicators.spec import PRICE_FIELDS, SESSION_FIELDS, Spec
from core.sessions.clock import clock_read
from core.sessions.timeframe import NS_PER_DAY, timeframe_parse
from market.calendars import Tradable, sessions_for
from market.exchanges import ALWAYS_OPEN
from market.store import bars_read

FIELDS = (*PRICE_FIELDS, *SESSION_FIELDS)
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
    *,
    spec: Spec,
    bars: Bars,
    params: Mapping[str, Any],
    inputs: Mapping[str, str],
    tradable: Tradable | str = ALWAYS_OPEN,
    interval: str | None = None,
) -> Values:
    """Compute an indicator over bars.

    Parameters
    ----------
    params : Mapping
        By name or alias; the others keep their defaults.
    inputs : Mapping
        A price field per input of the indicator. ``source`` is the close where it is not given,
        a price column or a field of the session itself; any other series must be named.
    tradable : Tradable or str
        The instrument, or the name of a calendar, whose sessions the bars belong to.
    interval : str, optional
        Of the bars. Without it, bars that all open at 00:00 UTC are taken for daily ones.

    Raises
    ------
    InvalidInput
        With every fault of the parameters, or of the inputs; where the calendar is unknown.
    """
    bound = params_bind(spec, params)
    fields = _fields_of(spec, inputs)
    columns = {field: getattr(bars, field) for field in PRICE_FIELDS}
    if not set(SESSION_FIELDS).isdisjoint(fields.values()):
        columns |= _session_columns(bars, tradable, interval)
    series = {name: columns[field] for name, field in fields.items()}
    return Values(
        outputs=compute(spec, series, bound), params=dict(bound), lookback=lookback(spec, bound)
    )


def _session_columns(
    bars: Bars, tradable: Tradable | str, interval: str | None
) -> dict[str, NDArray[np.float64]]:
    """Return the columns of `SESSION_FIELDS`."""
    if interval is None:
        # Of the length of intraday bars nothing but that matters here.
        interval = "1m" if (bars.ts % NS_PER_DAY).any() else "1d"
    sessions = sessions_for(tradable, first_ts=int(bars.ts[0]), last_ts=int(bars.ts[-1]))
    clock = clock_read(bars.ts, sessions, timeframe_parse(interval))
    return {"session": clock.session.astype(np.float64), "minute": clock.since_open}


def _fields_of(spec: Spec, inputs: Mapping[str, str]) -> dict[str, str]:
    """Return the field of the bars or of their sessions for every input of an indicator."""
    defaults = {field: field for field in FIELDS} | {"source": DEFAULT_SOURCE}
    fields = {name: inputs.get(name, defaults.get(name, "")) for name in spec.inputs}
    faults = []
    for name in inputs:
        if name not in spec.inputs:
            message = f"{spec.name} has no input {name!r}; it has: {', '.join(spec.inputs)}."
            faults.append(
                Detail(f"inputs.{name}", "unknown_input", message, list(spec.inputs), name)
            )
    for name, field in fields.items():
        if field not in FIELDS:
            message = (
                f"{spec.name} needs a series for its input {name!r}: "
                f"give one of {', '.join(FIELDS)}."
            )
            faults.append(
                Detail(f"inputs.{name}", "required", message, list(FIELDS), field or None)
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
    values = indicator_values(
        spec=spec,
        bars=stored.bars,
        params=params,
        inputs=inputs,
        tradable=stored.instrument,
        interval=stored.interval.name,
    )
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
