"""Option actions: what each operation trades, as forms of the action node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from core.engine.option_rules import (
    CloseWhen,
    Expiry,
    OptionLeg,
    OptionOperation,
    OptionRule,
    Right,
    Strike,
    StrikeBy,
)
from strategies.graph.catalogue.forms import Form, Port
from strategies.graph.catalogue.option_params import (
    RIGHTS,
    SIDES,
    CloseWhenParam,
    ExpiryParam,
    LegsParam,
    StrikeParam,
    WidthParam,
)
from strategies.graph.params import REQUIRED, Boolean, Choice, Integer, Param

Legs = tuple[OptionLeg, ...]
Values = Mapping[str, Any]
_BUY: Final = 1
_SELL: Final = -1
_THIRTY_DAYS: Final = Expiry(30)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionForm(Form):
    """A form that trades options.

    Attributes
    ----------
    legs : callable or None
        The legs that values ask for; None closes every option position.
    secured : bool or None
        Whether puts are secured in cash and calls by shares; None leaves it to a parameter.
    """

    legs: Callable[[Values], Legs] | None = None
    secured: bool | None = False

    def rule(self, values: Values, *, source: str) -> OptionRule:
        """Return the rule of bound values; its trigger is still to be found."""
        if self.legs is None:
            return OptionRule(OptionOperation.CLOSE, -1, name=self.name, source=source)
        secured = values.get("secured", False) if self.secured is None else self.secured
        return OptionRule(
            OptionOperation.OPEN,
            -1,
            name=self.name,
            legs=self.legs(values),
            quantity=values.get("quantity") or 1,
            close_when=values.get("close_when") or CloseWhen(),
            secured=secured,
            max_positions=values.get("max_positions") or 1,
            source=source,
        )


def _strike(name: str, description: str) -> StrikeParam:
    return StrikeParam(name=name, description=description)


_WAYS: Final = (
    '"ATM", "ATM+1" (strikes up), a number, or {"by": …}: atm, delta, otm_pct (a fraction: 0.05 is '
    "5 % out of the money), price (the premium), exact."
)
_STRIKE: Final = _strike("strike", f"Which strike: {_WAYS} At the money if absent.")
_OUTWARDS: Final = _strike(
    "strike",
    f"The strikes on both sides: {_WAYS} An offset from ATM counts strikes out of the money on "
    "either side. By a delta of 0.25 if absent.",
)
_PUT_STRIKE: Final = _strike("put_strike", "The strike of the put, where it has its own.")
_CALL_STRIKE: Final = _strike("call_strike", "The strike of the call, where it has its own.")
_EXPIRY: Final = ExpiryParam(
    name="expiry",
    aliases=("expiry_days", "dte"),
    description='Which expiry: calendar days from the decision (30, or {"dte": 30, "policy": '
    '"at_least"}), "weekly" or "monthly" for the next one, or a date. Nearest to 30 days if '
    "absent.",
)
_TRADING: Final[tuple[Param, ...]] = (
    Integer(
        name="quantity",
        aliases=("contracts", "size"),
        minimum=1,
        maximum=1_000_000,
        description="Contracts of a leg whose ratio is 1; 1 if absent.",
    ),
    CloseWhenParam(
        name="close_when",
        description="When it is given up before its expiry: profit_pct and loss_pct are fractions "
        "of the premium (0.5 is half of it), dte are calendar days to expiry. The first that comes "
        "true at a close counts.",
    ),
    Integer(
        name="max_positions",
        minimum=1,
        maximum=100,
        description="How many positions of this action may be open at once; 1 if absent.",
    ),
    Choice(
        name="order_type",
        choices=("market",),
        later=("limit",),
        default="market",
        description="How the order is filled: at the next open, at the bid or the ask.",
    ),
)
_SECURED: Final = Boolean(
    name="secured",
    default=False,
    description="Hold the whole strike of a put in cash, and sell calls on shares held only.",
)
_SIDE: Final = Choice(
    name="side",
    choices=tuple(SIDES),
    default="sell",
    description="Sell for a credit, or buy for a debit.",
)
_RIGHT: Final = Choice(
    name="right",
    choices=tuple(RIGHTS),
    default=REQUIRED,
    description="Of calls or of puts.",
)
_WIDTH: Final = WidthParam(
    name="width",
    default=REQUIRED,
    description="How much further out of the money the protecting strike lies: a price, or "
    '{"strikes": 2}.',
)
_LEGS: Final = LegsParam(
    name="legs",
    default=REQUIRED,
    description="Each with side (buy, sell), right (call, put), and if need be ratio, strike and "
    'expiry; a strike may be {"by": "leg", "leg": 0, "offset": -2} from an earlier leg\'s.',
)


def _expiry(values: Values) -> Expiry:
    found: Expiry = values.get("expiry") or _THIRTY_DAYS
    return found


def _single(side: int, right: Right) -> Callable[[Values], Legs]:
    def legs(values: Values) -> Legs:
        return (OptionLeg(right, side, 1, values.get("strike") or Strike(), _expiry(values)),)

    return legs


def _wing(width: Strike, right: Right, leg: int) -> Strike:
    """Return the strike further out of the money than that of an earlier leg."""
    return Strike(width.by, right * width.value, leg)


def _vertical(values: Values) -> Legs:
    right, side, expiry = RIGHTS[values["right"]], SIDES[values["side"]], _expiry(values)
    strike = values.get("strike") or Strike()
    return (
        OptionLeg(right, side, 1, strike, expiry),
        OptionLeg(right, -side, 1, _wing(values["width"], right, 0), expiry),
    )


def _straddle(values: Values) -> Legs:
    side, expiry = SIDES[values["side"]], _expiry(values)
    strike = values.get("strike") or Strike()
    return (
        OptionLeg(Right.PUT, side, 1, strike, expiry),
        OptionLeg(Right.CALL, side, 1, Strike(StrikeBy.LEG_STRIKES, 0.0, 0), expiry),
    )


def _strangle(values: Values) -> Legs:
    side, expiry = SIDES[values["side"]], _expiry(values)
    put, call = _both_strikes(values, Strike(StrikeBy.DELTA, 0.25))
    return (
        OptionLeg(Right.PUT, side, 1, put, expiry),
        OptionLeg(Right.CALL, side, 1, call, expiry),
    )


def _iron_condor(values: Values) -> Legs:
    inner = _strangle(values)
    wings = (
        replace(leg, side=-leg.side, strike=_wing(values["width"], leg.right, place))
        for place, leg in enumerate(inner)
    )
    return (*inner, *wings)


def _collar(values: Values) -> Legs:
    put, call = _both_strikes(values, Strike(StrikeBy.OTM, 0.05))
    expiry = _expiry(values)
    return (
        OptionLeg(Right.PUT, _BUY, 1, put, expiry),
        OptionLeg(Right.CALL, _SELL, 1, call, expiry),
    )


def _both_strikes(values: Values, usual: Strike) -> tuple[Strike, Strike]:
    """Return the strikes of put and call; an offset from ATM counts outwards on either side."""
    both: Strike = values.get("strike") or usual
    mirrored = replace(both, value=-both.value) if both.by is StrikeBy.ATM else both
    return values.get("put_strike") or mirrored, values.get("call_strike") or both


def _explicit(values: Values) -> Legs:
    usual = _expiry(values)
    return tuple(leg if own else replace(leg, expiry=usual) for leg, own in values["legs"])


_SINGLE: Final = (_STRIKE, _EXPIRY, *_TRADING)
_TWO_SIDED: Final = (_OUTWARDS, _PUT_STRIKE, _CALL_STRIKE, _EXPIRY, *_TRADING)


def option_forms(*, inputs: tuple[Port, ...]) -> tuple[OptionForm, ...]:
    """Return the option operations as forms of the action node."""

    def form(
        name: str,
        description: str,
        params: tuple[Param, ...],
        legs: Callable[[Values], Legs] | None,
        *,
        secured: bool | None = False,
    ) -> OptionForm:
        return OptionForm(
            name=name,
            title=_TITLES[name],
            description=description,
            params=params,
            inputs=inputs,
            legs=legs,
            secured=secured,
        )

    short = (*_SINGLE, _SECURED)
    call, put = Right.CALL, Right.PUT
    return (
        form("buy_call", "Buys calls.", _SINGLE, _single(_BUY, call)),
        form("sell_call", "Sells calls.", short, _single(_SELL, call), secured=None),
        form("buy_put", "Buys puts.", _SINGLE, _single(_BUY, put)),
        form("sell_put", "Sells puts.", short, _single(_SELL, put), secured=None),
        form("vertical", _ABOUT["vertical"], (_RIGHT, _SIDE, _WIDTH, *_SINGLE), _vertical),
        form("straddle", _ABOUT["straddle"], (_SIDE, *_SINGLE), _straddle),
        form("strangle", _ABOUT["strangle"], (_SIDE, *_TWO_SIDED), _strangle),
        form("iron_condor", _ABOUT["iron_condor"], (_SIDE, _WIDTH, *_TWO_SIDED), _iron_condor),
        form("covered_call", _ABOUT["covered_call"], _SINGLE, _single(_SELL, call), secured=True),
        form("cash_secured_put", _ABOUT["cash_secured_put"], _SINGLE, _single(_SELL, put),
             secured=True),
        form("collar", _ABOUT["collar"], _TWO_SIDED, _collar, secured=True),
        form("legs", "Trades the legs you list as one position.",
             (_LEGS, _EXPIRY, *_TRADING, _SECURED), _explicit, secured=None),
        form("close_options", "Closes every option position; shares stay.", (), None),
    )  # fmt: skip


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
    "close_options": "Close options",
}
_ABOUT: Final = {
    "vertical": "An option and, further out of the money, one against it: sold for a credit or "
    "bought for a debit, with a loss that is limited either way.",
    "straddle": "A put and a call at one strike.",
    "strangle": "A put and a call, each out of the money.",
    "iron_condor": "A put spread and a call spread, each out of the money: sold, it earns while "
    "the price stays between them.",
    "covered_call": "Sells calls on shares that the strategy holds; without enough of them the "
    "order is rejected.",
    "cash_secured_put": "Sells puts with the whole strike held in cash.",
    "collar": "Buys a put below and sells a call above the price, on shares that the strategy "
    "holds. 5 % out of the money on either side if no strikes are given.",
}
