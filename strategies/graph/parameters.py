"""The strategy's own parameters: declared with bounds, referred to by nodes, set by a run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from strategies.graph.faults import BadValueError, Faults, Place, said
from strategies.graph.limits import MAX_NAME_LENGTH, MAX_PARAMETERS
from strategies.graph.model import ParameterSpec
from strategies.graph.params import Boolean, Choice, Integer, Number, Param, plain

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TYPES: Final = {
    "int": "int",
    "integer": "int",
    "float": "float",
    "number": "float",
    "choice": "choice",
    "bool": "bool",
    "boolean": "bool",
}
_SPELLINGS: Final = {"minimum": "min", "maximum": "max", "label": "title"}
_KEYS: Final = ("name", "type", "default", "min", "max", "step", "choices", "title", "description")
_LONGEST_TEXT: Final = 1_000
_MOST_CHOICES: Final = 100


def parameters_parse(given: Any, faults: Faults) -> tuple[ParameterSpec, ...]:
    """Return the declared parameters; what is wrong is noted in `faults`."""
    if given is None:
        return ()
    place = faults.at("parameters")
    if not isinstance(given, list):
        place.add("", "wrong_type", f"'parameters' must be a list, but is {said(given)}.")
        return ()
    if len(given) > MAX_PARAMETERS:
        message = f"A strategy has at most {MAX_PARAMETERS} parameters, not {len(given)}."
        place.add("", "too_many", message, expected=MAX_PARAMETERS, received=len(given))
        return ()
    found: dict[str, ParameterSpec] = {}
    for index, item in enumerate(given):
        place = faults.at(f"parameters[{index}]")
        spec = _parse_one(item, place)
        if spec is None:
            continue
        if spec.name in found:
            message = f"Two parameters are called {spec.name!r}: rename one."
            place.add("name", "duplicate", message, received=spec.name)
        found[spec.name] = spec
    return tuple(found.values())


def parameters_bind(
    specs: Sequence[ParameterSpec], given: Mapping[str, Any] | None, faults: Faults
) -> dict[str, Any]:
    """Return a value for every parameter: the given one, or its default."""
    values = {spec.name: spec.default for spec in specs}
    by_name = {spec.name: spec for spec in specs}
    place = faults.at("parameters")
    for name, value in (given or {}).items():
        spec = by_name.get(name)
        if spec is None:
            message = f"The strategy has no parameter {said(name)}; it has: "
            message += f"{', '.join(by_name) or 'none'}.{place.near(name, by_name)}"
            known = list(by_name)
            place.add(str(name), "unknown_parameter", message, expected=known, received=name)
            continue
        try:
            values[name] = parameter_reader(spec).read(value)
        except BadValueError as bad:
            place.add_bad_value(name, bad)
    return values


def parameter_document(spec: ParameterSpec) -> dict[str, Any]:
    """Return a parameter as the canonical document has it: only what is set."""
    found = {
        "name": spec.name,
        "type": spec.type,
        "default": spec.default,
        "min": spec.minimum,
        "max": spec.maximum,
        "step": spec.step,
        "choices": list(spec.choices) or None,
        "title": spec.title or None,
        "description": spec.description or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def parameter_reader(spec: ParameterSpec) -> Param:
    """Return the kind that checks values of a parameter."""
    name, low, high = spec.name, spec.minimum, spec.maximum
    readers: dict[str, Param] = {
        "int": Integer(name=name, minimum=low, maximum=high),
        "float": Number(name=name, minimum=low, maximum=high),
        "choice": Choice(name=name, choices=spec.choices),
        "bool": Boolean(name=name),
    }
    return readers[spec.type]


def _parse_one(item: Any, place: Place) -> ParameterSpec | None:
    if not isinstance(item, dict):
        place.add("", "wrong_type", f"A parameter must be an object, but is {said(item)}.")
        return None
    found: dict[str, Any] = {_SPELLINGS.get(str(key), str(key)): item[key] for key in item}
    for key in sorted(found.keys() - set(_KEYS)):
        message = f"A parameter has no {said(key)}; it has: {', '.join(_KEYS)}."
        place.add(key, "unknown_key", message + place.near(key, _KEYS), expected=list(_KEYS))
    kind = _type(found.get("type"), place)
    spec = ParameterSpec(
        name=_name(found.get("name"), place),
        type=kind,
        default=found.get("default"),
        minimum=_bound(found.get("min"), "min", place),
        maximum=_bound(found.get("max"), "max", place),
        step=_bound(found.get("step"), "step", place),
        choices=_choices(found.get("choices"), kind, place),
        title=_text(found.get("title"), "title", place),
        description=_text(found.get("description"), "description", place),
    )
    return _with_default(spec, place) if place.sound else None


def _with_default(spec: ParameterSpec, place: Place) -> ParameterSpec | None:
    low, high = spec.minimum, spec.maximum
    if low is not None and high is not None and low > high:
        message = f"The least value {low:g} of {spec.name!r} is above the greatest, {high:g}."
        place.add("min", "out_of_range", message, received=low)
        return None
    try:
        default = parameter_reader(spec).read(spec.default)
    except BadValueError as bad:
        message = f"The default of the parameter {bad.message}"
        place.add("default", bad.code, message, expected=bad.expected, received=bad.received)
        return None
    return ParameterSpec(
        name=spec.name,
        type=spec.type,
        default=plain(default) if spec.type == "float" else default,
        minimum=low,
        maximum=high,
        step=spec.step,
        choices=spec.choices,
        title=spec.title,
        description=spec.description,
    )


def _name(value: Any, place: Place) -> str:
    if isinstance(value, str) and len(value) <= MAX_NAME_LENGTH and _NAME.fullmatch(value):
        return value
    message = f"A parameter's name must be letters, digits and underscores, not {said(value)}."
    place.add("name", "invalid", message, received=value)
    return ""


def _type(value: Any, place: Place) -> str:
    kind = _TYPES.get(value.lower()) if isinstance(value, str) else None
    if kind is not None:
        return kind
    message = f"A parameter's type must be int, float, choice or bool, not {said(value)}."
    known = ["int", "float", "choice", "bool"]
    place.add("type", "unknown_choice", message, expected=known, received=value)
    return ""


def _bound(value: Any, key: str, place: Place) -> float | None:
    if value is None:
        return None
    try:
        return plain(Number(name=key).read(value))
    except BadValueError as bad:
        place.add_bad_value(key, bad)
        return None


def _text(value: Any, key: str, place: Place) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
        return value
    message = f"The {key} must be a text of up to {_LONGEST_TEXT} characters."
    place.add(key, "wrong_type", message, received=value)
    return ""


def _choices(value: Any, kind: str, place: Place) -> tuple[Any, ...]:
    if value is None and kind != "choice":
        return ()
    scalars = isinstance(value, list) and all(isinstance(one, (str, int, float)) for one in value)
    if scalars and 0 < len(value) <= _MOST_CHOICES:
        return tuple(value)
    message = f"'choices' must be a list of 1 to {_MOST_CHOICES} texts or numbers."
    place.add("choices", "wrong_type", message, received=value)
    return ()
