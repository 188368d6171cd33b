"""Parameters of option actions: which strike, which expiry, when to give up, which legs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Final

from core.engine.option_rules import (
    CloseWhen,
    Cycle,
    Expiry,
    OptionLeg,
    Policy,
    Right,
    Strike,
    StrikeBy,
)
from strategies.graph.faults import BadValueError, near, said
from strategies.graph.params import Choice, Integer, Number, Param

_AT_THE_MONEY: Final = re.compile(r"^atm\s*([+-]\s*\d{1,3})?$", re.ASCII | re.IGNORECASE)
_MOST_STRIKES: Final = 100
_MOST_DAYS: Final = 3_650
_EPOCH: Final = date(1970, 1, 1)
MOST_LEGS: Final = 8

RIGHTS: Final = {"call": Right.CALL, "put": Right.PUT}
SIDES: Final = {"buy": 1, "sell": -1}
_POLICIES: Final = {
    "nearest": Policy.NEAREST,
    "at_least": Policy.AT_LEAST,
    "at_most": Policy.AT_MOST,
}
_CYCLES: Final = {"weekly": Cycle.WEEKLY, "monthly": Cycle.MONTHLY}

# What a strike is chosen by: the key that says how much, and the numbers it may be.
_STRIKES: Final[dict[str, tuple[str, StrikeBy, Number]]] = {
    "atm": (
        "offset",
        StrikeBy.ATM,
        Integer(name="offset", minimum=-_MOST_STRIKES, maximum=_MOST_STRIKES),
    ),
    "delta": ("value", StrikeBy.DELTA, Number(name="value", above=0.0, maximum=0.99)),
    "otm_pct": ("value", StrikeBy.OTM, Number(name="value", minimum=-0.9, maximum=0.9)),
    "price": ("value", StrikeBy.PREMIUM, Number(name="value", above=0.0)),
    "exact": ("value", StrikeBy.EXACT, Number(name="value", above=0.0)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeParam(Param):
    """Which strike: "ATM", "ATM+1", a number, or `{"by": …}`."""

    kind: ClassVar[str] = "strike"

    among_legs: bool = False
    """Whether it may be counted from that of another leg."""

    def canonical(self, value: Any) -> Any:
        """Return the strike as an object that says by what it is chosen."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return {"by": "exact", "value": value}
        if isinstance(value, str):
            match = _AT_THE_MONEY.match(value.strip())
            return _at_the_money(match[1]) if match else value
        if not isinstance(value, dict) or not isinstance(value.get("by"), str):
            return value
        found = value | {"by": value["by"].lower()}
        return found | {"offset": found.get("offset", 0)} if found["by"] == "atm" else found

    def read(self, value: Any) -> Strike:
        """Return the strike that an object names."""
        Param.read(self, value)
        found = self.canonical(value)
        by = found.get("by") if isinstance(found, dict) else None
        ways = self._ways
        if not isinstance(found, dict) or not isinstance(by, str) or by not in ways:
            raise BadValueError(
                "wrong_type",
                f'{self.name!r} must be "ATM", "ATM+1", a number or an object with \'by\' being '
                f"one of {', '.join(ways)}, but is {said(value)}.{near(by, ways)}",
                expected=list(ways),
                received=value,
            )
        if by == "leg":
            return _relative(self.name, found)
        key, how, bounds = _STRIKES[by]
        _keys_check(self.name, found, {"by", key})
        if how is StrikeBy.DELTA and _is_number(found.get(key)):
            found = found | {key: abs(found[key])}  # a put's delta is below zero; either is meant
        return Strike(how, _number(self.name, found, key, bounds))

    @property
    def _ways(self) -> tuple[str, ...]:
        return (*_STRIKES, "leg") if self.among_legs else tuple(_STRIKES)

    def describe(self) -> dict[str, Any]:
        """Return the parameter with the ways to choose a strike."""
        ways = {by: {key: bounds.bounds} for by, (key, _, bounds) in _STRIKES.items()}
        return Param.describe(self) | {"by": ways}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryParam(Param):
    """Which expiry: days, a date, "weekly" or "monthly", or `{"dte": …, "policy": …}`."""

    kind: ClassVar[str] = "expiry"

    def canonical(self, value: Any) -> Any:
        """Return the expiry as an object."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return {"dte": value, "policy": "nearest"}
        if isinstance(value, str):
            word = value.strip().lower()
            if word in _CYCLES:
                return {"cycle": word}
            return {"date": word} if _day(word) is not None else value
        if isinstance(value, dict) and "dte" in value:
            return value | {"policy": value.get("policy", "nearest")}
        return value

    def read(self, value: Any) -> Expiry:
        """Return the expiry that an object names."""
        Param.read(self, value)
        found = self.canonical(value)
        if not isinstance(found, dict) or not found.keys() & {"dte", "cycle", "date"}:
            raise BadValueError(
                "wrong_type",
                f'{self.name!r} must be days to expiry, a date, "weekly", "monthly" or an '
                f'object such as {{"dte": 30, "policy": "nearest"}}, but is {said(value)}.',
                expected='{"dte": days, "policy": "nearest" | "at_least" | "at_most"}',
                received=value,
            )
        if "date" in found:
            _keys_check(self.name, found, {"date"})
            return Expiry(date=self._date(found["date"]))
        cycle = Cycle.ANY
        if found.get("cycle") is not None:
            cycle = _CYCLES[_word(self.name, found, "cycle", _CYCLES)]
        if "dte" not in found:
            _keys_check(self.name, found, {"cycle"})
            return Expiry(1, Policy.AT_LEAST, cycle)
        _keys_check(self.name, found, {"dte", "policy", "cycle"})
        bounds = Integer(name="dte", minimum=0, maximum=_MOST_DAYS)
        days = _number(self.name, found, "dte", bounds)
        policy = _POLICIES[_word(self.name, found, "policy", _POLICIES)]
        return Expiry(int(days), policy, cycle)

    def _date(self, value: Any) -> int:
        day = _day(value)
        if day is None or day < 0:
            message = f'{self.name}.date must be a date such as "2026-01-16", but is {said(value)}.'
            raise BadValueError(
                "wrong_type", message, expected="YYYY-MM-DD", received=value, within=".date"
            )
        return day

    def describe(self) -> dict[str, Any]:
        """Return the parameter with its policies and cycles."""
        return Param.describe(self) | {"policies": list(_POLICIES), "cycles": list(_CYCLES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseWhenParam(Param):
    """When a position is given up: `{"profit_pct": 0.5, "loss_pct": 2.0, "dte": 7}`."""

    kind: ClassVar[str] = "close_when"

    def read(self, value: Any) -> CloseWhen:
        """Return the conditions; the first that comes true counts."""
        Param.read(self, value)
        if not isinstance(value, dict):
            raise BadValueError(
                "wrong_type",
                f"{self.name!r} must be an object such as "
                f'{{"profit_pct": 0.5, "loss_pct": 2.0, "dte": 7}}, but is {said(value)}.',
                expected="an object",
                received=value,
            )
        _keys_check(self.name, value, {"profit_pct", "loss_pct", "dte"})
        fraction = Number(name="value", above=0.0, maximum=100.0)
        days = Integer(name="dte", minimum=0, maximum=_MOST_DAYS)
        profit, loss, dte = (
            None if value.get(key) is None else _number(self.name, value, key, bounds)
            for key, bounds in (("profit_pct", fraction), ("loss_pct", fraction), ("dte", days))
        )
        return CloseWhen(profit, loss, None if dte is None else int(dte))

    def describe(self) -> dict[str, Any]:
        """Return the parameter with its keys."""
        keys = {
            "profit_pct": "gain as a fraction of the premium: 0.5 is half of it",
            "loss_pct": "loss as a fraction of the premium: 2.0 is twice of it",
            "dte": "calendar days to expiry",
        }
        return Param.describe(self) | {"keys": keys}


@dataclass(frozen=True, slots=True, kw_only=True)
class WidthParam(Param):
    """How far the protecting strike lies away: a price, or `{"strikes": n}`."""

    kind: ClassVar[str] = "width"

    def read(self, value: Any) -> Strike:
        """Return the distance, out of the money, as a strike relative to a leg."""
        Param.read(self, value)
        if isinstance(value, dict):
            _keys_check(self.name, value, {"strikes"})
            bounds = Integer(name="strikes", minimum=1, maximum=_MOST_STRIKES)
            return Strike(StrikeBy.LEG_STRIKES, _number(self.name, value, "strikes", bounds))
        return Strike(StrikeBy.LEG_WIDTH, Number(name=self.name, above=0.0).read(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class LegsParam(Param):
    """Explicit legs: each with side, right, ratio, strike and expiry."""

    kind: ClassVar[str] = "legs"

    def canonical(self, value: Any) -> Any:
        """Return the legs with strikes and expiries in their one spelling."""
        if not isinstance(value, list):
            return value
        return [_leg_canonical(one) if isinstance(one, dict) else one for one in value]

    def read(self, value: Any) -> tuple[tuple[OptionLeg, bool], ...]:
        """Return the legs, and of each whether it has an expiry of its own."""
        Param.read(self, value)
        if not isinstance(value, list) or not 0 < len(value) <= MOST_LEGS:
            raise BadValueError(
                "wrong_type",
                f"{self.name!r} must be a list of 1 to {MOST_LEGS} legs, but is {said(value)}.",
                expected=f"1 to {MOST_LEGS} legs",
                received=value,
            )
        found = []
        for place, one in enumerate(value):
            try:
                found.append(_leg(one, place))
            except BadValueError as bad:
                bad.within = f"[{place}]{bad.within}"
                raise
        return tuple(found)


_STRIKE: Final = StrikeParam(name="strike", among_legs=True)
_EXPIRY: Final = ExpiryParam(name="expiry")
_RATIO: Final = Integer(name="ratio", minimum=1, maximum=100)


def _leg_canonical(leg: dict[str, Any]) -> dict[str, Any]:
    found = dict(leg)
    for param in (_STRIKE, _EXPIRY):
        if param.name in found:
            found[param.name] = param.canonical(found[param.name])
    return found


def _leg(value: Any, place: int) -> tuple[OptionLeg, bool]:
    if not isinstance(value, dict):
        message = f"A leg must be an object, but is {said(value)}."
        raise BadValueError("wrong_type", message, expected="an object", received=value)
    _keys_check("leg", value, {"side", "right", "ratio", "strike", "expiry"})
    strike = _within("strike", _STRIKE, value.get("strike", "ATM"))
    if strike.leg >= place:
        message = f"A strike may refer to an earlier leg: leg {place} to 0 … {place - 1}."
        raise BadValueError(
            "out_of_range", message, expected=f"below {place}", received=strike.leg,
            within=".strike.leg",
        )  # fmt: skip
    own = value.get("expiry") is not None
    leg = OptionLeg(
        RIGHTS[_word("leg", value, "right", RIGHTS)],
        SIDES[_word("leg", value, "side", SIDES)],
        _within("ratio", _RATIO, value.get("ratio", 1)),
        strike,
        _within("expiry", _EXPIRY, value["expiry"]) if own else Expiry(),
    )
    return leg, own


def _within(key: str, param: Param, value: Any) -> Any:
    try:
        return param.read(value)
    except BadValueError as bad:
        bad.within = f".{key}{bad.within}"
        raise


def _relative(name: str, found: Mapping[str, Any]) -> Strike:
    """Return a strike counted from that of another leg."""
    way = "width" if "width" in found else "offset"
    _keys_check(name, found, {"by", "leg", way})
    leg = _number(name, found, "leg", Integer(name="leg", minimum=0, maximum=MOST_LEGS - 1))
    if way == "width":
        return Strike(StrikeBy.LEG_WIDTH, _number(name, found, way, Number(name=way)), int(leg))
    bounds = Integer(name=way, minimum=-_MOST_STRIKES, maximum=_MOST_STRIKES)
    return Strike(StrikeBy.LEG_STRIKES, _number(name, found, way, bounds), int(leg))


def _number(name: str, found: Mapping[str, Any], key: str, bounds: Number) -> float:
    if found.get(key) is None:
        message = f"{name!r} needs {key!r}."
        raise BadValueError("required", message, expected="a number", within=f".{key}")
    try:
        return bounds.read(found[key])
    except BadValueError as bad:
        bad.message = bad.message.replace(f"{bounds.name!r}", f"'{name}.{key}'", 1)
        bad.within = f".{key}"
        raise


def _word(name: str, found: Mapping[str, Any], key: str, known: Mapping[str, Any]) -> str:
    try:
        word: str = Choice(name=f"{name}.{key}", choices=tuple(known)).read(found.get(key))
    except BadValueError as bad:
        bad.within = f".{key}"
        raise
    return word


def _keys_check(name: str, found: Mapping[str, Any], known: Collection[str]) -> None:
    extra = sorted(str(key) for key in found if key not in known)
    if extra:
        raise BadValueError(
            "unknown_key",
            f"{name!r} has no {said(extra[0])} here; it has: {', '.join(sorted(known))}."
            + near(extra[0], known),
            expected=sorted(known),
            received=extra[0],
            within=f".{extra[0][:40]}",
        )


def _at_the_money(offset: str | None) -> dict[str, Any]:
    return {"by": "atm", "offset": int((offset or "0").replace(" ", ""))}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _day(word: Any) -> int | None:
    """Return the days from 1970-01-01 to an ISO date, None if it is none."""
    try:
        return (date.fromisoformat(word) - _EPOCH).days
    except (TypeError, ValueError):
        return None
