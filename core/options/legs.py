"""Legs that come onto the book of options and leave it, and what that does to the account.

The value of open options is part of the account's balance (`core.options.marking`): a leg comes in
at its mark, so that the balance loses only what was paid beyond it, and leaves the same way.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from core.engine.option_rules import OptionRule, Right
from core.options.contract import Contract
from core.options.machine import At, Machine


def position_add(machine: Machine, number: int, rule: OptionRule, *, name: int) -> int:
    """Return the row of a position of rule `number` that is new on the book.

    `name` is its number among all positions.
    """
    book = machine.world.book
    row = int(np.flatnonzero(book.positions["rule"] < 0)[0])
    when = rule.close_when
    book.positions[row] = (
        name,
        number,
        0.0,
        0.0,
        math.nan if when.profit is None else when.profit,
        math.nan if when.loss is None else when.loss,
        -1 if when.days is None else when.days,
        0,
    )
    book.held[number] += 1
    return row


def position_free(machine: Machine, row: int) -> None:
    """Let go of a position whose last leg is gone."""
    book = machine.world.book
    if book.positions["rule"][row] >= 0 and not (machine.legs["position"] == row).any():
        book.held[book.positions["rule"][row]] -= 1
        book.positions["rule"][row] = -1


def leg_add(
    machine: Machine,
    contract: Contract,
    quantity: float,
    *,
    prices: tuple[float, float],
    fee: float,
    row: int,
    secured: bool,
    at: At,
) -> None:
    """Write a leg down, bought above zero contracts and sold below, under its position.

    `prices` are its mark and what was paid or received, for one share.
    """
    book, desk, account = machine.world.book, machine.desk, machine.account
    mid, price = prices
    shares = quantity * float(book.terms["multiplier"][0])
    book.legs[int(desk["legs"])] = (
        int(contract.right), contract.strike, contract.expiry, quantity, mid, row,
        secured, 0.0, 0.0, mid, mid, at.bar, at.ts, price, mid, fee,
    )  # fmt: skip
    desk["legs"] += 1
    desk["value"] += shares * mid
    account["balance"] += shares * (mid - price) - fee
    book.positions["flow"][row] -= shares * price


def leg_take(machine: Machine, place: int, quantity: float, *, price: float, fee: float) -> None:
    """Take a leg off the book, or a part: its mark leaves the account, what it brought comes in.

    `quantity` has the leg's own sign.
    """
    book, desk, account = machine.world.book, machine.desk, machine.account
    legs = machine.legs
    leg = legs[place]
    shares = quantity * float(book.terms["multiplier"][0])
    mark = shares * float(leg["price"])
    account["balance"] += shares * price - mark - fee
    desk["value"] -= mark
    book.positions["flow"][leg["position"]] += shares * price
    if quantity != float(leg["quantity"]):
        leg["quantity"] -= quantity
        return
    legs[place:-1] = legs[place + 1 :].copy()
    desk["legs"] -= 1
    if desk["legs"] == 0:
        account["balance"] -= float(desk["value"])  # what rounding has left of it
        desk["value"] = 0.0


def leg_contract(leg: Any) -> Contract:
    """Return the contract of a leg's record."""
    return Contract(Right(int(leg["right"])), float(leg["strike"]), int(leg["expiry"]))
