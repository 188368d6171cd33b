"""From what a caller writes to the values a kernel takes."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from math import isfinite
from numbers import Integral, Real
from typing import Any

from core.errors import Detail, InvalidInput
from core.indicators.spec import Parameter, Spec


def params_bind(spec: Spec, params: Mapping[str, Any]) -> dict[str, float | str]:
    """Return a value for every parameter of `spec`, in their order.

    Names and aliases are accepted in any case; missing ones take their default, or the value of
    the parameter they follow.

    Raises
    ------
    InvalidInput
        With one `Detail` per fault, all at once: unknown names, one parameter given under two
        names, wrong types, values out of bounds. Paths are relative (``"params.period"``).
    """
    faults: list[Detail] = []
    given = _names_resolve(spec, params, faults)
    bound: dict[str, float | str] = {}
    for parameter in spec.parameters:
        if parameter.name in given:
            key, value = given[parameter.name]
            checked = _value_check(parameter, f"params.{key}", value)
            if isinstance(checked, Detail):
                faults.append(checked)
            else:
                bound[parameter.name] = checked
        else:
            bound[parameter.name] = bound.get(parameter.follows, parameter.default)
    if not faults:
        faults.extend(_pairs_check(spec, bound))
    if faults:
        raise InvalidInput(
            f"{spec.title}: " + " ".join(fault.message for fault in faults), details=faults
        )
    return bound


def _names_resolve(
    spec: Spec, params: Mapping[str, Any], faults: list[Detail]
) -> dict[str, tuple[str, Any]]:
    """Map each parameter's plain name to the key it was given under and its value."""
    names = {
        spelling: parameter.name
        for parameter in spec.parameters
        for spelling in (parameter.name, *parameter.aliases)
    }
    given: dict[str, tuple[str, Any]] = {}
    for key, value in params.items():
        name = names.get(str(key).strip().lower())
        if name is None:
            faults.append(_unknown(spec, str(key), names, value))
        elif name in given:
            faults.append(
                Detail(
                    f"params.{key}",
                    "duplicate",
                    f"'{key}' and '{given[name][0]}' are the same parameter: give one of them.",
                    received=value,
                )
            )
        else:
            given[name] = (str(key), value)
    return given


def _unknown(spec: Spec, key: str, names: Mapping[str, str], value: Any) -> Detail:
    """Describe a name that `spec` has no parameter for."""
    known = [parameter.name for parameter in spec.parameters]
    near = get_close_matches(key.lower(), names, n=1)
    hint = f" Did you mean '{names[near[0]]}'?" if near else ""
    takes = f"takes {', '.join(known)}" if known else "takes no parameters"
    return Detail(
        f"params.{key}",
        "unknown_parameter",
        f"There is no parameter '{key}': {spec.name} {takes}.{hint}",
        expected=known,
        received=value,
    )


def _value_check(parameter: Parameter, path: str, value: Any) -> float | str | Detail:
    """Return `value` as the parameter's kind, or what is wrong with it."""
    if parameter.kind == "choice":
        chosen = value.strip().lower() if isinstance(value, str) else value
        if isinstance(chosen, str) and chosen in parameter.choices:
            return chosen
        return Detail(
            path,
            "choice",
            f"'{parameter.name}' must be one of {', '.join(parameter.choices)}, not {value!r}.",
            expected=list(parameter.choices),
            received=value,
        )
    if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
        return _type_fault(parameter, path, value)
    if parameter.kind == "int" and not (isinstance(value, Integral) or float(value).is_integer()):
        return _type_fault(parameter, path, value)
    number: float = int(float(value)) if parameter.kind == "int" else float(value)
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        return Detail(
            path,
            "out_of_range",
            f"'{parameter.name}' must be {_bounds_text(parameter)}, not {number}.",
            expected={"minimum": low, "maximum": high},
            received=number,
        )
    return number


def _type_fault(parameter: Parameter, path: str, value: Any) -> Detail:
    noun = "a whole number" if parameter.kind == "int" else "a finite number"
    shown = value if isinstance(value, str | int | bool | None) else repr(value)
    return Detail(
        path,
        "type",
        f"'{parameter.name}' must be {noun}, not {value!r}.",
        expected=parameter.kind,
        received=shown,
    )


def _bounds_text(parameter: Parameter) -> str:
    low, high = parameter.minimum, parameter.maximum
    if high is None:
        return f"at least {low}"
    return f"at most {high}" if low is None else f"between {low} and {high}"


def _pairs_check(spec: Spec, bound: Mapping[str, float | str]) -> list[Detail]:
    """Find a lower limit that lies above its upper one (``min_period``, ``max_period``)."""
    faults = []
    for parameter in spec.parameters:
        if not parameter.name.startswith("min_"):
            continue
        upper = "max_" + parameter.name.removeprefix("min_")
        low, high = bound[parameter.name], bound.get(upper)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            faults.append(
                Detail(
                    f"params.{parameter.name}",
                    "out_of_range",
                    f"'{parameter.name}' ({low}) must not exceed '{upper}' ({high}).",
                    expected={"maximum": high},
                    received=low,
                )
            )
    return faults
