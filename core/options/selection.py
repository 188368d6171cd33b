"""From the legs of a rule to contracts, at the close of the decision."""

from __future__ import annotations

import math

from core.engine.option_rules import OptionRule
from core.options.config import OptionsConfig
from core.options.contract import Contract
from core.options.expiries import NONE, ExpiryCalendar
from core.options.machine import At
from core.options.strikes import Moment, strike_find, strike_step


def contracts_select(
    rule: OptionRule, at: At, *, earliest: int, calendar: ExpiryCalendar, config: OptionsConfig
) -> list[Contract] | None:
    """Return the contract of each leg; None where one of them has none.

    `earliest` is the session of the next bar: what expires before it cannot be traded any more.
    """
    step = config.strike_step or strike_step(at.spot)
    day = math.floor(at.day)
    found: list[Contract] = []
    for leg in rule.legs:
        expiry = calendar.find(leg.expiry, day=day, earliest=earliest)
        if expiry == NONE:
            return None
        moment = Moment(
            spot=at.spot,
            vol=at.vol,
            rate=config.rate,
            dividend_yield=config.dividend_yield,
            years=(expiry - at.day) / 365.0,
            model="baw" if config.style == "american" else "bsm",
            step=step,
            listed=calendar.strikes(expiry, leg.right),
        )
        earlier = [contract.strike for contract in found]
        strike = strike_find(leg.strike, leg.right, moment, earlier)
        if not strike > 0.0:
            return None
        found.append(Contract(leg.right, strike, expiry))
    return found
