"""Option actions: kept in the document in their canonical form, not run by this version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Final

from strategies.graph.catalogue.forms import Form, Port
from strategies.graph.faults import BadValueError, said
from strategies.graph.params import Integer, Param

_AT_THE_MONEY: Final = re.compile(r"^atm\s*([+-]\s*\d{1,3})?$", re.ASCII | re.IGNORECASE)
_STRIKES_BY: Final = ("atm", "delta", "otm_pct", "price", "exact", "leg")
_CYCLES: Final = ("weekly", "monthly")
_POLICIES: Final = ("nearest", "at_least", "at_most")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike(Param):
    """Which strike: "ATM", "ATM+1", a number, or `{"by": …}`."""

    kind: ClassVar[str] = "strike"

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

    def read(self, value: Any) -> Any:
        """Return the object if it says by what the strike is chosen."""
        found = self.canonical(value)
        if isinstance(found, dict) and found.get("by") in _STRIKES_BY:
            return found
        raise BadValueError(
            "wrong_type",
            f"'strike' must be \"ATM\", \"ATM+1\", a number or an object with 'by' being one of "
            f"{', '.join(_STRIKES_BY)}, but is {said(value)}.",
            expected=list(_STRIKES_BY),
            received=value,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry(Param):
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
            return {"date": word} if _is_date(word) else value
        if isinstance(value, dict) and "dte" in value:
            return value | {"policy": value.get("policy", "nearest")}
        return value

    def read(self, value: Any) -> Any:
        """Return the object if it names an expiry."""
        found = self.canonical(value)
        if isinstance(found, dict) and len(found.keys() & {"dte", "cycle", "date"}) == 1:
            if "dte" in found:
                Integer(name="expiry.dte", minimum=0, maximum=3_650).read(found["dte"])
            if found.get("policy", "nearest") in _POLICIES:
                return found
        raise BadValueError(
            "wrong_type",
            '\'expiry\' must be days to expiry, a date, "weekly", "monthly" or an object such as '
            f'{{"dte": 30, "policy": "nearest"}}, but is {said(value)}.',
            expected='{"dte": days, "policy": "nearest" | "at_least" | "at_most"}',
            received=value,
        )


_COMMON: Final = (
    Strike(name="strike", description='Which strike: "ATM", an offset from it, delta, a number.'),
    Expiry(
        name="expiry",
        aliases=("expiry_days", "dte"),
        description="Which expiry, by days to it, cycle or date.",
    ),
    Integer(
        name="quantity",
        aliases=("contracts", "size"),
        minimum=1,
        maximum=1_000_000,
        description="Contracts; 1 if absent.",
    ),
    Param(name="close_when", description="Profit, loss or days to expiry at which it is closed."),
    Param(name="order_type", description="How the order is filled."),
)
_LEGS: Final = Param(name="legs", description="The legs: each with side, right, ratio, strike.")
_WIDTH: Final = Param(name="width", description="Distance between the strikes.")

_TITLES: Final = {
    "buy_call": "Buy call",
    "sell_call": "Sell call",
    "buy_put": "Buy put",
    "sell_put": "Sell put",
    "vertical": "Vertical spread",
    "straddle": "Straddle",
    "strangle": "Strangle",
    "iron_condor": "Iron condor",
    "covered_call": "Covered call",
    "cash_secured_put": "Cash-secured put",
    "collar": "Collar",
    "legs": "Explicit legs",
}


def option_forms(*, inputs: tuple[Port, ...]) -> tuple[Form, ...]:
    """Return the option operations as forms of the action node."""
    return tuple(
        Form(
            name=name,
            title=title,
            description=f"{title} on the instrument; cannot be backtested by this version.",
            params=(*_COMMON, _LEGS, _WIDTH),
            inputs=inputs,
            supported=False,
        )
        for name, title in _TITLES.items()
    )


def _at_the_money(offset: str | None) -> dict[str, Any]:
    return {"by": "atm", "offset": int((offset or "0").replace(" ", ""))}


def _is_date(word: str) -> bool:
    try:
        date.fromisoformat(word)
    except ValueError:
        return False
    return True
