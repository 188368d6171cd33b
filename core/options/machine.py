"""The kernel and its arrays, with what Python does between its stops."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.options.compiled import kernel_load
from core.options.state import Stage, World


class At(NamedTuple):
    """A moment at which options trade.

    Attributes
    ----------
    bar, ts : int
    spot, vol : float
        Price of the underlying, and the volatility that is known.
    day : float
        The session, less the part of it that is left.
    """

    bar: int
    ts: int
    spot: float
    vol: float
    day: float


class Machine:
    """One run under way."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._kernel = kernel_load()

    def run(self, bar: int, stage: int) -> tuple[int, int]:
        """Go on until Python has something to do; return the bar and what it is."""
        while True:
            bar, stage = self._kernel(self.world, bar, stage)
            if stage != Stage.ROOM:
                return bar, stage
            self.room_make()
            stage = int(Stage.OPEN)

    def command(self, bar: int, stage: Stage) -> None:
        """Have the kernel do one thing at a bar."""
        self._kernel(self.world, bar, int(stage))

    def at_open(self, bar: int) -> At:
        """Return the moment of a bar's open."""
        market, chain = self.world.market, self.world.chain
        return At(
            bar,
            int(market.ts[bar]),
            float(market.open[bar]),
            float(chain.vol_at_open[bar]),
            float(chain.day[bar] - chain.left_at_open[bar]),
        )

    def at_close(self, bar: int) -> At:
        """Return the moment of a bar's close."""
        market, chain = self.world.market, self.world.chain
        return At(
            bar,
            int(market.ts[bar]),
            float(market.close[bar]),
            float(chain.vol_at_close[bar]),
            float(chain.day[bar] - chain.left_at_close[bar]),
        )

    @property
    def desk(self) -> Any:
        """The record of what Python and the kernel tell each other."""
        return self.world.book.desk[0]

    @property
    def account(self) -> Any:
        """The engine's record of the account."""
        return self.world.tables.account[0]

    @property
    def holding(self) -> Any:
        """The engine's record of the shares."""
        return self.world.tables.holding[0]

    @property
    def legs(self) -> NDArray[Any]:
        """The open legs."""
        legs: NDArray[Any] = self.world.book.legs[: int(self.desk["legs"])]
        return legs

    def equity(self, spot: float) -> float:
        """Return what the account is worth, options as last marked."""
        account, holding = self.account, self.holding
        return float(account["balance"] + spot * holding["position"] - holding["basis"])

    def free(self, spot: float, *, shares: float, rate: float) -> float:
        """Return what is left of the money with so many shares, which tie up `rate` of their value.

        Options are counted as they are open and were last marked.
        """
        desk = self.desk
        desk["shares"], desk["spot"] = shares, spot
        self.command(0, Stage.REQUIRE)
        tied = abs(shares) * spot * rate + float(desk["required"])
        return self.equity(spot) - float(desk["value"]) - tied

    def shares_deliver(self, bar: int, *, shares: float, price: float) -> None:
        """Trade shares at a strike, without costs."""
        self.room_make()
        desk = self.desk
        desk["shares"], desk["spot"] = shares, price
        self.command(bar, Stage.DELIVER)

    def room_make(self) -> None:
        """Have room for as many lots, fills and trades as the next step may write."""
        tables = self.world.tables
        lots = int(tables.holding["lots"][0])
        if lots + 2 > tables.lots.size:
            larger = np.zeros(2 * tables.lots.size + 2, tables.lots.dtype)
            larger[:lots] = tables.lots[:lots]
            tables = tables._replace(lots=larger)
        grown = tables.grown()
        while grown.fills is not tables.fills or grown.trades is not tables.trades:
            tables, grown = grown, grown.grown()
        self.world = self.world._replace(tables=tables)
