"""The option side of a deployment's book: rows of fills as the legs and positions of the engine."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from brokers.deployments.wanted import BookRow, LegHeld, Role
from core.engine.program import Program
from core.options.contract import IN_THE_MONEY, Contract, contract_parse
from core.options.legs import leg_add, leg_contract, leg_take, position_add, position_free
from core.options.machine import At, Machine
from core.options.result import OptionExitReason

# Why a position is given up of which a leg could not be had: no backtest has that.
BROKEN: Final = 100
ROLES: Final = {
    OptionExitReason.SIGNAL: Role.CLOSE,
    OptionExitReason.PROFIT: Role.PROFIT,
    OptionExitReason.LOSS: Role.LOSS,
    OptionExitReason.DAYS: Role.DAYS,
    OptionExitReason.LIQUIDATION: Role.LIQUIDATION,
    BROKEN: Role.UNWIND,
}
REASONS: Final = {role: int(reason) for reason, role in ROLES.items() if reason != BROKEN}
_SLACK: Final = 1e-9

Key = tuple[int, int]
"""A position: its rule, and the bar of the decision that opened it."""


def legs_at_once(rows: Iterable[BookRow]) -> int:
    """Return how many fills that open legs are on the book at once, at the most."""
    fills: Counter[tuple[Key, str]] = Counter()
    held: defaultdict[str, dict[Key, float]] = defaultdict(dict)
    now = most = 0
    for row in rows:
        keys = held[row.symbol]
        if row.kind == "leg_open":
            key = row.rule, row.decided_ts
            fills[key, row.symbol] += 1
            keys[key] = keys.get(key, 0.0) + row.quantity
            now += 1
            most = max(most, now)
        elif row.kind != "leg_end":
            mine = [(row.rule, row.decided_ts)] if row.kind == "leg_close" else list(keys)
            left = row.quantity
            for key in mine:
                part = min(left, keys.get(key, 0.0))
                left -= part
                if part and (kept := keys[key] - part) <= _SLACK:
                    now -= fills.pop((key, row.symbol))
                    del keys[key]
                elif part:
                    keys[key] = kept
    return most


class OptionBook:
    """Takes rows onto the book of a `Machine`.

    Attributes
    ----------
    broken : set of Key
        Positions of several legs, one of which could not be had in full.
    """

    def __init__(self, machine: Machine, program: Program) -> None:
        self.machine, self.program = machine, program
        self.broken: set[Key] = set()
        self._rows: dict[Key, int] = {}
        self._keys: dict[int, Key] = {}
        self._paid: dict[Key, float] = {}
        self._symbols: dict[Contract, str] = {}
        self._legs: dict[Key, list[Contract]] = {}
        # What was taken for settled before the broker said how: contracts, and the price of each.
        self._presumed: list[tuple[Contract, float, float]] = []

    def take(self, row: BookRow, at: At) -> None:
        """Take in one row."""
        key = row.rule, row.decided_ts
        if row.kind == "leg_open":
            self._open(row, key, at)
        elif row.kind == "leg_end":
            if row.quantity and len(self.program.option_rules[row.rule].legs) > 1:
                self.broken.add(key)
                self._give_up(key)
        else:
            self._close(row, key if row.kind == "leg_close" else None)

    def expire(self, at: At, *, before: int) -> None:
        """Take for settled what expires before a day: its worth, until the broker says more."""
        for place in reversed(range(len(self.machine.legs))):
            leg = self.machine.legs[place].copy()
            if leg["expiry"] >= before:
                continue
            inside = float(leg["right"] * (at.spot - leg["strike"]))
            price = inside if inside >= IN_THE_MONEY - _SLACK else 0.0
            quantity = float(leg["quantity"])
            leg_take(self.machine, place, quantity, price=price, fee=0.0)
            position_free(self.machine, int(leg["position"]))
            self._presumed.append((leg_contract(leg), quantity, price))

    def incomplete(self, coming: Iterable[tuple[int, int, str]], *, before: int) -> None:
        """Give up positions of earlier decisions of which a leg is neither there nor coming.

        `coming` are rules, decisions and symbols of orders that open.
        """
        waiting = Counter((rule, decided) for rule, decided, _ in set(coming))
        for key in self.alive():
            rule, decided = key
            wanted = len(self.program.option_rules[rule].legs)
            if decided < before and len(self._legs[key]) + waiting[key] < wanted:
                self.broken.add(key)
                self._give_up(key)

    def alive(self) -> set[Key]:
        """Return the positions that have legs."""
        return {self._keys[int(leg["position"])] for leg in self.machine.legs}

    def held(self) -> tuple[LegHeld, ...]:
        """Return the open legs: of one position and contract one."""
        found: dict[tuple[Key, Contract], LegHeld] = {}
        for leg in self.machine.legs:
            key, contract = self._keys[int(leg["position"])], leg_contract(leg)
            held = found.get((key, contract)) or LegHeld(
                *key, self._symbols[contract], contract, 0.0, float(leg["price"])
            )
            found[key, contract] = replace(held, quantity=held.quantity + float(leg["quantity"]))
        return tuple(one for one in found.values() if one.quantity)

    def closing(self) -> Iterator[tuple[LegHeld, Role, int]]:
        """Yield the legs that are to be closed, why, and their numbers in their positions."""
        positions = self.machine.world.book.positions
        for leg in self.held():
            reason = int(positions["closing"][self._rows[leg.rule, leg.position_ts]])
            if reason:
                number = self._legs[leg.rule, leg.position_ts].index(leg.contract)
                yield leg, ROLES[reason], number

    def saved(self) -> tuple[Any, ...]:
        """Return what is on the book, for `restore`."""
        return tuple(array.copy() for array in self._arrays())

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Have the book as it was when it was saved."""
        for array, before in zip(self._arrays(), saved, strict=True):
            array[:] = before

    def _arrays(self) -> tuple[Any, ...]:
        book, account = self.machine.world.book, self.machine.world.tables.account
        return book.desk, book.legs, book.positions, book.held, account

    def _open(self, row: BookRow, key: Key, at: At) -> None:
        named = contract_parse(row.symbol)
        if named is None:
            raise ValueError(f"{row.symbol} is no contract.")
        rule = self.program.option_rules[row.rule]
        place = self._row_of(key)
        if place is None:
            place = position_add(self.machine, row.rule, rule, name=len(self._rows))
            self._rows[key], self._keys[place] = place, key
        self._symbols[named.contract] = row.symbol
        legs = self._legs.setdefault(key, [])
        if named.contract not in legs:
            legs.append(named.contract)
        quantity = row.side * row.quantity
        leg_add(
            self.machine, named.contract, quantity,
            prices=(row.price, row.price), fee=row.commission,
            row=place, secured=rule.secured, at=at,
        )  # fmt: skip
        book = self.machine.world.book
        shares = quantity * float(book.terms["multiplier"][0])
        self._paid[key] = self._paid.get(key, 0.0) - shares * row.price
        book.positions["base"][place] = abs(self._paid[key])
        if key in self.broken:
            self._give_up(key)

    def _row_of(self, key: Key) -> int | None:
        """Return the row of a position, None where it is not on the book, or not any more."""
        place = self._rows.get(key)
        if place is None or self._keys[place] != key:
            return None
        return place if self.machine.world.book.positions["rule"][place] >= 0 else None

    def _give_up(self, key: Key) -> None:
        place = self._row_of(key)
        if place is not None:
            self.machine.world.book.positions["closing"][place] = BROKEN

    def _close(self, row: BookRow, key: Key | None) -> None:
        """Take contracts off the book: of one position, or of the oldest that have them."""
        named = contract_parse(row.symbol)
        left, fee = row.quantity, row.commission
        while left > _SLACK and named is not None:
            place = self._place_of(named.contract, row.side, key)
            if place is None:
                self._correct(named.contract, row.side, left, row.price)
                return
            leg = self.machine.legs[place].copy()
            part = min(left, abs(float(leg["quantity"])))
            leg_take(self.machine, place, -row.side * part, price=row.price, fee=fee)
            position_free(self.machine, int(leg["position"]))
            left, fee = left - part, 0.0

    def _place_of(self, contract: Contract, side: int, key: Key | None) -> int | None:
        """Return the first leg in a contract that a trade on this side closes."""
        legs = self.machine.legs
        for place in range(len(legs)):
            mine = key is None or self._keys[int(legs["position"][place])] == key
            if (
                mine
                and legs["quantity"][place] * side < 0.0
                and leg_contract(legs[place]) == contract
            ):
                return place
        return None

    def _correct(self, contract: Contract, side: int, count: float, price: float) -> None:
        """Pay what contracts brought that were taken for settled at another price."""
        for number, (one, quantity, presumed) in enumerate(self._presumed):
            if one == contract and quantity * side < 0.0:
                part = -side * min(count, abs(quantity))
                shares = part * float(self.machine.world.book.terms["multiplier"][0])
                self.machine.account["balance"] += shares * (price - presumed)
                self._presumed[number] = one, quantity - part, presumed
                count -= abs(part)
