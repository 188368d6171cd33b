"""What a strategy decides at the close of the last bar, for the account as it really is.

`decide` is a function of its arguments: bars, the program over them, and what was filled. Nothing
is remembered between two calls, so a worker that dies loses nothing, and two that decide on one bar
decide the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brokers.deployments.compiled import live_kernel_load
from brokers.deployments.kernel import (
    BELOW_LOT,
    BELOW_NOTIONAL,
    BOOKED,
    DELIVERY,
    ENDED,
    ENTRY,
    EXIT,
    FEE,
    GUARD,
    UNAFFORDABLE,
    Feed,
    World,
)
from brokers.deployments.wanted import BookRow, Decision, Role, Wanted
from core.engine.bars import Bars
from core.engine.code_lowering import code_layout
from core.engine.config import RunConfig
from core.engine.lowering import by_bar_of, plan_lower, terms_lower
from core.engine.program import OrderKind, Program
from core.engine.result import NO_FILL, TRADE
from core.engine.state import Curves, Market, Plan
from core.engine.tables import Tables, tables_new

REFUSED: Final = {
    BELOW_LOT: "below_lot",
    BELOW_NOTIONAL: "below_notional",
    UNAFFORDABLE: "unaffordable",
}
KINDS: Final = {
    "entry": ENTRY,
    "exit": EXIT,
    "guard": GUARD,
    "ended": ENDED,
    "delivery": DELIVERY,
    "fee": FEE,
}


def decide(
    bars: Bars,
    columns: Sequence[NDArray[Any]],
    program: Program,
    config: RunConfig,
    *,
    book: Iterable[BookRow] = (),
    first_ts: int | None = None,
    skipped: Iterable[int] = (),
    sessions: NDArray[np.int64] | None = None,
    plan: Plan | None = None,
) -> Decision:
    """Return what a program decides at the close of the last bar.

    Parameters
    ----------
    bars : Bars
        Closed bars, warm-up and history included.
    columns, program
        From `plan_evaluate` on these bars.
    config : RunConfig
        Money and modelled costs; fills carry their real ones.
    book : iterable of BookRow
        What was filled so far, oldest first; in the bar that is not over too.
    first_ts : int, optional
        The first bar that may decide; the end of the warm-up where it is left out.
    skipped : iterable of int
        Bars at which nothing was decided, because the deployment was paused or came too late.
    sessions : ndarray of int64, optional
        As of `core.engine.simulate`.
    plan : Plan, optional
        What `lowered` made of all of that, where several decide by it.
    """
    bar_count = len(bars)
    plan = plan or lowered(bars, columns, program, config, sessions)
    rows = rows_booked(book, bars.ts)
    tables = _tables(program, config, len(rows))
    curves = Curves(*np.zeros((3, bar_count), np.float64))
    sizes = np.zeros(len(program.rules))
    start = program.warmup
    if first_ts is not None:
        start = max(start, int(np.searchsorted(bars.ts, first_ts)))
    acted = ~np.isin(bars.ts, np.fromiter(skipped, np.int64))
    market = Market(bars.ts, bars.open, bars.high, bars.low, bars.close)
    alive = live_kernel_load()(World(market, plan, tables, curves), Feed(rows, acted, sizes), start)
    return Reader(bars, program, tables, sizes).decision(alive=bool(alive))


def lowered(
    bars: Bars,
    columns: Sequence[NDArray[Any]],
    program: Program,
    config: RunConfig,
    sessions: NDArray[np.int64] | None = None,
) -> Plan:
    """Return a program over its columns as the kernel reads it."""
    by_bar = by_bar_of(program, config, bars, sessions)
    return plan_lower(program, columns, config, len(bars), by_bar)


def rows_booked(book: Iterable[BookRow], ts: NDArray[np.int64]) -> NDArray[Any]:
    """Return rows of shares as the kernel reads them; `ts` are the bars' times."""
    rows = list(book)
    # A commission without the bar of an entry is of no lot: none is opened in the first bar.
    times = [
        (row.bar_ts, row.decided_ts, row.entry_ts or (row.kind != "fee" and row.bar_ts))
        for row in rows
    ]
    places = np.searchsorted(ts, np.array(times, np.int64).reshape(-1, 3)).tolist()
    return np.array(
        [
            (
                KINDS[row.kind], bar, row.bar_ts, decided, row.rule, row.side, row.quantity,
                row.price, row.commission, row.reason, entry, row.done,
            )
            for row, (bar, decided, entry) in zip(rows, places, strict=True)
        ],
        BOOKED,
    )  # fmt: skip


def _tables(program: Program, config: RunConfig, booked: int) -> Tables:
    """Return the account before its first bar, with room for all that was booked."""
    tables = tables_new(terms_lower(program, config), 0, code_layout(program).size)
    return room_for(tables, booked, program)


def room_for(tables: Tables, booked: int, program: Program) -> Tables:
    """Return tables with room for the fills and trades of so many rows."""
    alerts = len(program.rules)
    return tables._replace(
        fills=np.empty(2 * (booked + alerts + 8), tables.fills.dtype),
        trades=np.empty((booked + 1) * (tables.lots.size + 1), TRADE),
    )


class Reader:
    """Reads the decision out of the kernel's records."""

    def __init__(
        self, bars: Bars, program: Program, tables: Tables, sizes: NDArray[np.float64]
    ) -> None:
        self.bars, self.program, self.sizes = bars, program, sizes
        self.account = tables.account[0]
        self.holding = tables.holding[0]
        self.order = tables.order[0]
        self.lots = tables.lots[: int(self.holding["lots"])]
        self.tickets = tables.tickets
        self.fills = tables.fills[: int(self.account["fills"])]
        self.last = len(bars) - 1
        self.bar_ts = int(bars.ts[-1])
        self.close = float(bars.close[-1])

    def decision(self, *, alive: bool) -> Decision:
        """Return what holds after the last bar; `alive` is whether there is equity."""
        balance, basis = float(self.account["balance"]), float(self.holding["basis"])
        position = float(self.holding["position"])
        now, refused = self._now(position) if alive else ((), ())
        waiting, also = self._waiting() if alive else ((), ())
        given = self.fills[self.fills["reason"] == NO_FILL]
        return Decision(
            bar_ts=self.bar_ts,
            position=position,
            equity=balance + (self.close * position - basis),
            cash=balance - basis,
            now=now,
            waiting=waiting,
            guards=self._guards(),
            refused=(*refused, *also),
            alerts=tuple(int(row["rule"]) for row in given if row["bar"] == self.last),
            alive=alive,
        )

    def _now(self, position: float) -> tuple[tuple[Wanted, ...], tuple[tuple[int, str], ...]]:
        order = self.order
        if not order["active"]:
            return self._overdue(), ()
        held, side = abs(position), 1 if position > 0 else -1
        if order["forced"]:
            return (self._market(Role.EXIT, 0, -side, held),), ()
        k = int(order["entry_rule"])
        if k < 0:
            k = int(order["exit_rule"])
            return ((self._market(Role.EXIT, k, -side, float(self.sizes[k])),) if held else ()), ()
        quantity = float(self.sizes[k])
        if quantity <= 0.0:
            return (), ((k, REFUSED[quantity]),)
        opens = _side(self.program, k)
        entry = self._market(Role.ENTRY, k, opens, quantity, opens=True)
        if position * opens < 0:
            return (self._market(Role.REVERSE, k, opens, held), entry), ()
        return (entry,), ()

    def _overdue(self) -> tuple[Wanted, ...]:
        """Return the exits of lots whose time stop comes with the next bar."""
        return tuple(
            self._market(Role.EXIT, int(lot["rule"]), -int(lot["side"]), float(lot["quantity"]))
            for lot in self.lots
            if 0 < int(lot["max_bars"]) <= self.last + 1 - int(lot["entry_bar"])
        )

    def _market(
        self, role: Role, rule: int, side: int, quantity: float, *, opens: bool = False
    ) -> Wanted:
        return Wanted(role, rule, side, opens, OrderKind.MARKET, quantity, self.bar_ts)

    def _waiting(self) -> tuple[tuple[Wanted, ...], tuple[tuple[int, str], ...]]:
        found, refused = [], []
        for k, ticket in enumerate(self.tickets):
            if not ticket["waiting"]:
                continue
            quantity, opens = float(self.sizes[k]), self.program.rules[k].operation <= _OPENS
            if quantity <= 0.0:
                if int(ticket["bar"]) == self.last:
                    refused.append((k, REFUSED.get(quantity, "below_lot")))
                continue
            found.append(
                Wanted(
                    Role.ENTRY if opens else Role.EXIT,
                    k,
                    int(ticket["buys"]),
                    opens,
                    self.program.rules[k].order.kind,
                    quantity,
                    int(self.bars.ts[int(ticket["bar"])]),
                    limit=float(ticket["limit"]),
                    stop=float(ticket["stop"]),
                    trail=float(ticket["distance"]),
                )
            )
        return tuple(found), tuple(refused)

    def _guards(self) -> tuple[Wanted, ...]:
        found = []
        for lot in self.lots:
            entry = int(lot["entry_bar"])
            # An entry of the bar that is not over has no time in the bars yet.
            entry_ts = int(lot["entry_ts"]) if entry > self.last else int(self.bars.ts[entry])
            for role, kind, level in (
                (Role.STOP, OrderKind.STOP, float(lot["stop_loss"])),
                (Role.TAKE, OrderKind.LIMIT, float(lot["take_profit"])),
            ):
                if np.isfinite(level) and level > 0:
                    found.append(
                        Wanted(
                            role,
                            int(lot["rule"]),
                            -int(lot["side"]),
                            opens=False,
                            kind=kind,
                            quantity=float(lot["quantity"]),
                            decided_ts=self.bar_ts,
                            limit=level if role == Role.TAKE else float("nan"),
                            stop=level if role == Role.STOP else float("nan"),
                            entry_ts=entry_ts,
                            touched=role == Role.TAKE and self._touched(lot, level),
                        )
                    )
        return tuple(found)

    def _touched(self, lot: Any, level: float) -> bool:
        """Tell whether a bar since a lot's entry has reached its take-profit.

        In the bar of an entry that waited nobody knows what came first.
        """
        at_open = self.program.rules[int(lot["rule"])].order.kind == OrderKind.MARKET
        first = int(lot["entry_bar"]) + (not at_open)
        if int(lot["side"]) > 0:
            return bool((self.bars.high[first:] >= level).any())
        return bool((self.bars.low[first:] <= level).any())


_OPENS: Final = 2  # Operation.OPEN_LONG and OPEN_SHORT


def _side(program: Program, rule: int) -> int:
    return 1 if program.rules[rule].operation == 1 else -1
