"""Random ways in which a rule's order waits and guards what it opens."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

ORDER_TYPES = st.sampled_from(["market", "limit", "stop", "stop_limit", "trailing_stop"])
GUARDS = st.sets(st.sampled_from(["stop_loss", "take_profit", "trailing"]))


def order_params(draw: Any, form: Any) -> tuple[dict[str, Any], list[str]]:
    """Return valid parameters of an order, and the ports that need a series for them."""
    params: dict[str, Any] = {}
    wired: list[str] = []
    if "time_in_force" in form.by_name:
        _waiting(draw, params, wired)
    if "trailing" in form.by_name:
        _guards(draw, params, wired)
    return params, wired


def _waiting(draw: Any, params: dict[str, Any], wired: list[str]) -> None:
    kind = draw(ORDER_TYPES)
    if kind == "market":
        return
    params["order_type"] = kind
    trails = kind == "trailing_stop"
    for name in ("price", "limit_price") if kind == "stop_limit" else ("price",):
        how = draw(st.sampled_from(["number", "offset", "series"]))
        if how == "number":
            params[name] = draw(st.integers(1, 20) if trails else st.integers(80, 130))
        elif how == "offset":
            value = draw(st.integers(1 if trails else -50, 50)) / 1_000
            params[name] = {"type": "offset_percent", "value": value}
        else:
            params[name] = {"type": "multiple", "value": 2} if trails else {"type": "price"}
            wired.append(name)
    if draw(st.booleans()):
        params["time_in_force"] = draw(st.sampled_from(["gtc", "day", 1, 5]))


def _guards(draw: Any, params: dict[str, Any], wired: list[str]) -> None:
    for name in sorted(draw(GUARDS)):
        kind = draw(st.sampled_from(["percent", "multiple", "price"]))
        params[name] = {"type": kind} | ({} if kind == "price" else {"value": 0.05})
        if kind != "percent":
            wired.append(name)
    if draw(st.booleans()):
        params["time_stop"] = draw(st.integers(1, 20))
