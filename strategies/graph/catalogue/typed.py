"""Values that say their type: `{"type": "percent", "value": 0.03}`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from core.engine.program import SizeKind, StopKind
from strategies.graph.catalogue.bound import SizeDraft, StopDraft
from strategies.graph.faults import BadValueError, near, said
from strategies.graph.limits import MAX_SHIFT
from strategies.graph.params import Integer, Number, Param

_STOP_KINDS: Final = {
    "percent": StopKind.PERCENT,
    "multiple": StopKind.MULTIPLE,
    "price": StopKind.PRICE,
}
_SIZE_KINDS: Final = {
    "units": (SizeKind.UNITS, None),
    "cash": (SizeKind.CASH, None),
    "percent_of_equity": (SizeKind.PERCENT_OF_EQUITY, 1.0),
    "risk_percent": (SizeKind.RISK_PERCENT, 1.0),
    "volatility_target": (SizeKind.VOLATILITY_TARGET, 10.0),
    "kelly": (SizeKind.KELLY, 1.0),
    "fixed_ratio": (SizeKind.FIXED_RATIO, None),
}
_SIZE_EXTRAS: Final[Mapping[str, Mapping[str, Number]]] = {
    "volatility_target": {
        "period": Integer(name="period", default=20, minimum=2, maximum=MAX_SHIFT),
    },
    "kelly": {
        "maximum": Number(name="maximum", default=1.0, above=0.0, maximum=1.0),
        "start": Number(name="start", default=0.1, minimum=0.0, maximum=1.0),
    },
    "fixed_ratio": {"start": Number(name="start", default=1.0, above=0.0)},
}
_CREDIT: Final = (
    " It is a fraction: 1 is all equity. To trade on credit set the run's `margin`: at 0.5, 1 buys "
    "twice the equity."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedValue(Param):
    """A JSON object of a `type` and mostly a `value`; a bare number is the type `bare`."""

    bare: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    written: ClassVar[str] = ""
    """How it may be written, where there is more than an object and a number."""
    extras: ClassVar[Mapping[str, Mapping[str, Number]]] = {}
    """Further keys by type, each of which may be left out."""

    def canonical(self, value: Any) -> Any:
        """Return a bare number as an object of the usual type."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return {"type": self.bare, "value": value}
        return value

    def read(self, value: Any) -> Any:
        """Return the object read by its type."""
        Param.read(self, value)
        found = self.canonical(value)
        if not isinstance(found, dict):
            example = f'an object such as {{"type": "{self.bare}", "value": …}}'
            raise BadValueError(
                "wrong_type",
                f"{self.name!r} must be {self.written or example}, but is {said(value)}.",
                expected=self.written or "an object",
                received=value,
            )
        kind = self._kind(found)
        keys = ["type", "value", *self.extras.get(kind, ())]
        extra = sorted(str(key) for key in found if key not in keys)
        if extra:
            known = " and ".join((", ".join(map(repr, keys[:-1])), repr(keys[-1])))
            raise BadValueError(
                "unknown_key",
                f"{self.name!r} has no {extra[0]!r}; it has {known}.",
                expected=keys,
                received=extra[0],
                within=f".{extra[0]}",
            )
        return self._typed(kind, found)

    def _typed(self, kind: str, found: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    def _kind(self, found: Mapping[str, Any]) -> str:
        kind = found.get("type")
        if isinstance(kind, str) and kind in self.types:
            return kind
        known = ", ".join(self.types)
        message = f"{self.name} has the type {said(kind)}, but needs one of: {known}."
        message += near(kind, self.types)
        raise BadValueError(
            "unknown_choice", message, expected=list(self.types), received=kind, within=".type"
        )

    def _number(self, found: Mapping[str, Any], bounds: Number) -> float:
        if "value" not in found:
            raise BadValueError(
                "required",
                f"{self.name!r} of type {found['type']!r} needs a 'value'.",
                expected="a number",
                within=".value",
            )
        try:
            return bounds.read(found["value"])
        except BadValueError as bad:
            bad.within = ".value"
            raise

    def describe(self) -> dict[str, Any]:
        """Return the parameter with the types it may be."""
        about = Param.describe(self) | {"types": list(self.types)}
        if self.extras:
            about["keys_of_types"] = {
                kind: [param.describe() for param in extras.values()]
                for kind, extras in self.extras.items()
            }
        return about


@dataclass(frozen=True, slots=True, kw_only=True)
class StopValue(TypedValue):
    """Where a stop-loss or take-profit stands: a fraction, a multiple of a series, or a price."""

    kind: ClassVar[str] = "stop"
    bare: ClassVar[str] = "percent"
    types: ClassVar[tuple[str, ...]] = tuple(_STOP_KINDS)

    largest: float = 1.0
    """Greatest fraction of `percent`."""

    def _typed(self, kind: str, found: Mapping[str, Any]) -> StopDraft:
        if kind == "price":
            return StopDraft(StopKind.PRICE)
        limits = {"percent": self.largest, "multiple": 1_000.0}
        bounds = Number(name=f"{self.name}.value", above=0.0, maximum=limits[kind])
        return StopDraft(_STOP_KINDS[kind], self._number(found, bounds))


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentStop(StopValue):
    """A stop of the whole strategy: a fraction only, for settings have no ports."""

    types: ClassVar[tuple[str, ...]] = ("percent",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing(TypedValue):
    """How much an opening order trades; a bare number is units."""

    kind: ClassVar[str] = "sizing"
    bare: ClassVar[str] = "units"
    types: ClassVar[tuple[str, ...]] = tuple(_SIZE_KINDS)
    extras: ClassVar[Mapping[str, Mapping[str, Number]]] = _SIZE_EXTRAS

    def _typed(self, kind: str, found: Mapping[str, Any]) -> SizeDraft:
        size_kind, most = _SIZE_KINDS[kind]
        bounds = Number(name=f"{self.name}.value", above=0.0, maximum=most)
        try:
            value = self._number(found, bounds)
        except BadValueError as bad:
            if size_kind is SizeKind.PERCENT_OF_EQUITY and bad.code == "out_of_range":
                bad.message += _CREDIT
            raise
        extras = {
            name: param.default if found.get(name) is None else self._extra(name, param, found)
            for name, param in self.extras.get(kind, {}).items()
        }
        return SizeDraft(
            size_kind,
            value,
            start=extras.get("start", 0.0),
            most=extras.get("maximum", 1.0),
            period=int(extras.get("period", 0)),
        )

    def _extra(self, name: str, param: Number, found: Mapping[str, Any]) -> float:
        try:
            return replace(param, name=f"{self.name}.{name}").read(found[name])
        except BadValueError as bad:
            bad.within = f".{name}"
            raise
