"""UTC nanoseconds as texts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def iso_time(ts: Any) -> str:
    """Return UTC nanoseconds as ISO 8601, as short as it is exact."""
    stamp = np.datetime64(int(ts), "ns")
    for unit in ("s", "ms", "us"):
        if stamp == stamp.astype(f"datetime64[{unit}]"):
            stamp = stamp.astype(f"datetime64[{unit}]")
            break
    return f"{np.datetime_as_string(stamp)}Z"


def iso_times(ts: NDArray[np.int64]) -> list[str]:
    """Return UTC nanoseconds as ISO 8601 texts with microseconds, as PostgreSQL keeps them."""
    stamps = np.ascontiguousarray(ts).astype("datetime64[ns]").astype("datetime64[us]")
    texts: list[str] = np.datetime_as_string(stamps, timezone="UTC").tolist()
    return texts
