"""How many units an entry trades, and whether the account can afford them (rules 8 and 10)."""

from __future__ import annotations

import sys

import numpy as np

from core.engine.costs import commission, levy_per_order, levy_per_unit
from core.engine.jit import inlined
from core.engine.own_trades import fixed_ratio_units, kelly_share
from core.engine.program import SizeKind
from core.engine.state import Deal, LoweredRule, Purse, Run, Terms

_UNITS = int(SizeKind.UNITS)
_CASH = int(SizeKind.CASH)
_PERCENT = int(SizeKind.PERCENT_OF_EQUITY)
_RISK = int(SizeKind.RISK_PERCENT)
_VOLATILITY = int(SizeKind.VOLATILITY_TARGET)
_KELLY = int(SizeKind.KELLY)
_ALMOST_ONE = 1.0 - sys.float_info.epsilon  # the reference's whole equity
_TOLERANCE = 1e-12  # relative: a quotient that is whole on paper must not lose a lot to rounding
_LARGEST_SLIP = 1e-9  # lots: nor may a huge one gain any


@inlined
def lots_floor(terms: Terms, quantity: float) -> float:
    """Round down to whole lots."""
    if terms.lot_size == 0.0:
        return quantity
    lots = quantity / terms.lot_size
    whole: float = np.floor(lots + min(lots * _TOLERANCE, _LARGEST_SLIP))
    return whole * terms.lot_size


@inlined
def units_bought(terms: Terms, side: int, money: float, paid: float, percent: float) -> float:
    """Return the largest quantity whose notional and commission together cost `money`.

    The commission is ``min(max(linear, minimum), maximum)``, so the answer is the same
    expression of the quantities that each of them alone would allow; levies are part of the price.
    """
    price = paid
    if terms.levied:
        price += levy_per_unit(terms, side, paid)
        money -= levy_per_order(terms, side)
    unit_cost = price + (paid * percent + terms.fee_per_unit)
    linear = (money - terms.fee_per_order) / unit_cost
    at_minimum = (money - terms.fee_minimum) / price
    at_maximum = (money - terms.fee_maximum) / price
    bought = max(min(linear, at_minimum), at_maximum)
    if terms.fee_bounded:
        bought = max(bought, money / (price + paid * terms.fee_maximum_percent))
    return bought


@inlined
def quantity_standard(run: Run, k: int, purse: Purse, deal: Deal, stop: float) -> float:
    """Quantity by the sizing policy of rule `k`, in whole lots; 0 or less where there is none.

    NaN where what the policy asks has no answer. What `deal` pays is the price of a unit after
    spread and slippage; risk is its distance to `stop`.
    """
    terms, rule, paid, equity = run.terms, run.plan.rules[k], deal.paid, purse.equity
    if rule.size_kind == _UNITS:
        return lots_floor(terms, rule.size_value)
    if rule.size_kind == _RISK:
        risk = (paid - stop) * rule.side
        return lots_floor(terms, equity * rule.size_value / risk) if risk > 0.0 else 0.0
    money = rule.size_value
    if rule.size_kind == _PERCENT:
        money = min(money * (equity * terms.leverage), purse.free)
    elif rule.size_kind == _VOLATILITY:
        # As the decision saw it. A price that does not move allows all that equity buys.
        volatility = run.plan.series[rule.size_row, run.tickets[k].bar]
        if np.isnan(volatility):
            return np.nan
        money = equity * min(money / volatility, terms.leverage)
    elif rule.size_kind == _KELLY:
        money = equity * kelly_share(run.account, rule)
    elif rule.size_kind != _CASH:
        return lots_floor(terms, fixed_ratio_units(run.account, rule))
    percent = terms.fee_maker if deal.rests else terms.fee_percent
    return lots_floor(terms, units_bought(terms, rule.side, money, paid, percent))


@inlined
def affordable(terms: Terms, side: int, power: float, deal: Deal, quantity: float) -> bool:
    """Rule 8: the order costs no more than what equity can buy on top of what is tied up."""
    percent = terms.fee_maker if deal.rests else terms.fee_percent
    cost = quantity * deal.paid + commission(terms, side, quantity, deal.paid, percent)
    return cost <= power + abs(power) * 10.0 * _TOLERANCE


@inlined
def quantity_reference(
    terms: Terms, rule: LoweredRule, balance: float, price: float, paid: float
) -> float:
    """Quantity as backtesting.py 0.6.6 finds it for a flat account, in its order of operations.

    It divides the commission on a fractional size by that size, and takes the commission of the
    price before the spread. Returns 0 where it would cancel the order.
    """
    literal = rule.size_kind == _UNITS
    size = rule.size_value if literal else min(rule.size_value, _ALMOST_ONE)
    unit_cost = paid + commission(terms, rule.side, size, price, terms.fee_percent) / size
    power = max(0.0, balance) * terms.leverage
    quantity = size if literal else (power * size) // unit_cost
    return quantity if quantity * unit_cost <= power else 0.0
