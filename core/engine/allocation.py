"""How the instruments of a run share its account: a section of the configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.engine.section import Section, bounded, fault
from core.errors import Detail, InvalidInput

INSTRUMENTS_AT_MOST: Final = 500
_TOLERANCE: Final = 1e-9  # of what weights add up to


@dataclass(frozen=True, slots=True)
class Allocation(Section):
    """What share of the account an instrument may use, and how many may be held at once.

    Sizing policies that speak of equity speak of the share of their instrument. A run on one
    instrument has all of it, whatever this says.

    Attributes
    ----------
    method : "equal", "weights" or "full"
        The same share for each of `max_positions`, or for each instrument where that is None;
        the share that `weights` names; or the whole account for each, first come, first served.
    weights : dict of str to float
        Fractions of equity by symbol.
    max_positions : int or None
        How many instruments may be held at once; None: all of them.
    rotate : bool
        Whether a position is given up, at the next open, once the instruments that are held or
        about to be entered have `max_positions` better ones among them, by the program's ranking.
    """

    method: Literal["equal", "weights", "full"] = "equal"
    weights: Mapping[str, float] = field(default_factory=dict)
    max_positions: int | None = bounded(None, minimum=1, maximum=INSTRUMENTS_AT_MOST)
    rotate: bool = False

    def conflicts(self) -> list[Detail]:
        """Return what contradicts itself."""
        faults = []
        if self.method == "weights" and not self.weights:
            rule = "must name a fraction of equity for each symbol with the method 'weights'"
            faults.append(fault("weights", "required", rule, "an object", dict(self.weights)))
        if self.method != "weights" and self.weights:
            rule = f"has no meaning with the method {self.method!r}; leave one of the two out"
            faults.append(fault("weights", "conflict", rule, {}, dict(self.weights)))
        for symbol, weight in self.weights.items():
            if not (math.isfinite(weight) and weight > 0.0):
                faults.append(
                    fault(f"weights.{symbol}", "out_of_range", "must be above 0", "> 0", weight)
                )
        if self.rotate and self.max_positions is None:
            rule = "needs max_positions: without it there is room for every position"
            faults.append(fault("rotate", "conflict", rule, "false", "true"))
        return faults

    def shares(self, symbols: Sequence[str]) -> NDArray[np.float64]:
        """Return the share of each instrument in the account, shape ``(len(symbols),)``.

        Raises
        ------
        InvalidInput
            When the weights and the symbols are not the same, or the weights are above 1 in all.
        """
        slots = min(self.max_positions or len(symbols), len(symbols))
        if len(symbols) == 1 or self.method == "full":
            return np.ones(len(symbols))
        if self.method == "equal":
            return np.full(len(symbols), 1.0 / slots)
        self._weights_check(symbols)
        return np.array([self.weights[symbol] for symbol in symbols])

    def _weights_check(self, symbols: Sequence[str]) -> None:
        faults = [
            fault(f"allocation.weights.{symbol}", "required", "must be above 0", "> 0", None)
            for symbol in symbols
            if symbol not in self.weights
        ]
        faults += [
            fault(
                f"allocation.weights.{symbol}",
                "unknown",
                "names no instrument of the run",
                None,
                symbol,
            )
            for symbol in self.weights
            if symbol not in symbols
        ]
        total = math.fsum(self.weights.values())
        if not faults and total > 1.0 + _TOLERANCE:
            faults = [
                fault(
                    "allocation.weights", "out_of_range", "must add up to 1 at most", "<= 1", total
                )
            ]
        if faults:
            message = " ".join(found.message for found in faults)
            raise InvalidInput(f"The weights do not fit the instruments: {message}", details=faults)
