"""The option desk: opens and closes positions of a run, and writes down what it does."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from core.engine.option_rules import OptionRule
from core.options.config import OptionsConfig
from core.options.contract import Contract
from core.options.ledger import Ledger, commission_of
from core.options.legs import leg_add, leg_contract, leg_take, position_add, position_free
from core.options.machine import At, Machine
from core.options.quoting import mid_prices, paid_prices
from core.options.result import OptionExitReason

REJECTED_CONTRACT: Final = "rejected_option_contract"
REJECTED_MONEY: Final = "rejected_option_money"

_SLACK: Final = 1e-9  # of the equity: rounding rejects nothing


class Desk:
    """Trades options for one run.

    Attributes
    ----------
    counters : dict
        How many orders were rejected, and why.
    """

    def __init__(self, machine: Machine, config: OptionsConfig, ledger: Ledger) -> None:
        self.machine = machine
        self.config = config
        self.ledger = ledger
        self.counters = {REJECTED_CONTRACT: 0, REJECTED_MONEY: 0}
        self._opened = 0

    def open(
        self,
        number: int,
        rule: OptionRule,
        contracts: list[Contract],
        at: At,
        *,
        shares: float | None = None,
    ) -> str:
        """Open a position by rule `number`, at the ask what is bought and at the bid what is sold.

        The whole order is rejected where a contract is over, has no bid or costs nothing, and where
        the account could not carry the position beside `shares`, by default those it holds. Returns
        the name of the counter by which it was rejected, or nothing.
        """
        mids = self._mids(contracts, at)
        sides = np.array([leg.side for leg in rule.legs], np.float64)
        prices = self._paid(mids, sides)
        over = any(contract.expiry < at.day for contract in contracts)
        if over or not (np.isfinite(prices) & (prices > 0.0)).all():
            return self._rejected(REJECTED_CONTRACT)
        row = position_add(self.machine, number, rule, name=self._opened)
        before = self._saved()
        quantities = sides * [leg.ratio * rule.quantity for leg in rule.legs]
        for contract, quantity, mid, price in zip(contracts, quantities, mids, prices, strict=True):
            count, value = abs(float(quantity)), abs(float(quantity) * self.config.multiplier)
            leg_add(
                self.machine,
                contract,
                float(quantity),
                prices=(float(mid), float(price)),
                fee=commission_of(self.config.commission, count, value * float(price)),
                row=row,
                secured=rule.secured,
                at=at,
            )
        held = float(self.machine.holding["position"]) if shares is None else shares
        rate = float(self.machine.world.book.terms["opening_rate"][0])
        free = self.machine.free(at.spot, shares=held, rate=rate)
        if not free >= -_SLACK * abs(self.machine.equity(at.spot)):
            self._restore(before, row, number)
            return self._rejected(REJECTED_MONEY)
        self._filled(row, contracts, at)
        return ""

    def _rejected(self, why: str) -> str:
        self.counters[why] += 1
        return why

    def close(self, at: At) -> None:
        """Close every position that is to be closed, each leg by an order of its own."""
        positions = self.machine.world.book.positions
        for leg in self.machine.legs[::-1].copy():
            reason = int(positions["closing"][leg["position"]])
            if reason:
                self.leg_close(leg, at, reason)
        self.machine.desk["to_close"] = False

    def close_all(self, at: At, reason: OptionExitReason) -> None:
        """Close every position."""
        positions = self.machine.world.book.positions
        positions["closing"][positions["rule"] >= 0] = reason
        self.close(at)

    def leg_close(self, leg: Any, at: At, reason: int, *, price: float | None = None) -> None:
        """Close a leg at the bid or ask, or at a price without costs."""
        quantity, mid = -float(leg["quantity"]), float(leg["price"])
        contracts = abs(quantity)
        paid, fee = price, 0.0
        if paid is None:
            paid = float(self._paid(np.array([mid]), np.array([quantity]))[0])
            value = contracts * paid * self.config.multiplier
            fee = commission_of(self.config.commission, contracts, value)
        place = int(np.flatnonzero(_same(self.machine.legs, leg))[0])
        leg_take(self.machine, place, float(leg["quantity"]), price=paid, fee=fee)
        row = self.machine.world.book.positions[leg["position"]]
        rule, number = int(row["rule"]), int(row["number"])
        self.ledger.fill(
            leg_contract(leg),
            position=number,
            moment=(at.bar, at.ts, at.spot, at.vol),
            quantity=quantity,
            price=paid,
            mid=mid if price is None else price,
            commission=fee,
            rule=rule,
            reason=reason,
        )
        self.ledger.trade(leg, rule=rule, number=number)
        position_free(self.machine, int(leg["position"]))

    def _mids(self, contracts: list[Contract], at: At) -> Any:
        """Return what the model says each contract is worth."""
        return mid_prices(contracts, spot=at.spot, vol=at.vol, day=at.day, config=self.config)

    def _paid(self, mids: Any, sides: Any) -> Any:
        """Return the ask where `sides` buys and the bid where it sells."""
        return paid_prices(mids, sides, self.config)

    def _filled(self, row: int, contracts: list[Contract], at: At) -> None:
        """Note the fills of a position that has been opened."""
        position = self.machine.world.book.positions[row]
        position["base"] = abs(position["flow"])
        for contract, leg in zip(contracts, self.machine.legs[-len(contracts) :], strict=True):
            self.ledger.fill(
                contract,
                position=self._opened,
                moment=(at.bar, at.ts, at.spot, at.vol),
                quantity=float(leg["quantity"]),
                price=float(leg["entry_price"]),
                mid=float(leg["entry_mid"]),
                commission=float(leg["commission"]),
                rule=int(position["rule"]),
                reason=int(OptionExitReason.SIGNAL),
            )
        self._opened += 1

    def _saved(self) -> tuple[int, float, float]:
        desk, account = self.machine.desk, self.machine.account
        return int(desk["legs"]), float(desk["value"]), float(account["balance"])

    def _restore(self, before: tuple[int, float, float], row: int, number: int) -> None:
        desk, account, book = self.machine.desk, self.machine.account, self.machine.world.book
        desk["legs"], desk["value"], account["balance"] = before
        book.positions["rule"][row] = -1
        book.held[number] -= 1


def _same(legs: Any, leg: Any) -> Any:
    """Return which of the open legs is this one: a position has no contract twice on one side."""
    found = legs["position"] == leg["position"]
    for name in ("right", "strike", "expiry", "quantity"):
        found = found & (legs[name] == leg[name])
    return found
