"""The column that sizes by volatility refer to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.indicators.registry import compute, indicator_get, lookback, params_bind
from strategies.graph.catalogue.forms import Frame, Port, PortType, Series, SeriesForm, Values

_SPEC: Final = indicator_get("realized_volatility")


def _bound(values: Values, per_year: float) -> dict[str, float | str]:
    given = {"period": values["period"], "estimator": "close", "periods_per_year": per_year}
    return dict(params_bind(_SPEC, given))


def _realised(frame: Frame, values: Values, _inputs: Sequence[Series]) -> tuple[Series, ...]:
    bars = frame.bars
    prices = {"open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close}
    return (compute(_SPEC, prices, _bound(values, frame.periods_per_year))["value"],)


VOLATILITY: Final = SeriesForm(
    name="volatility_target",
    outputs=(Port("value", PortType.NUMBER),),
    compute=_realised,
    lookback=lambda values: lookback(_SPEC, _bound(values, 1.0)),
)
"""Deviation of the log returns of the last `period` bars, as a fraction a year."""
