"""The plan: a strategy compiled to steps over columns and a program over their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.engine.program import Program
from core.errors import Detail
from strategies.graph.catalogue.forms import Compute, Values
from strategies.graph.scope import RUN, Scope


@dataclass(frozen=True, slots=True)
class Step:
    """One vectorised computation.

    Attributes
    ----------
    key : str
        Hash of what is computed; equal steps of a graph are one step.
    node_id : str
        A node this step came from, for messages.
    scope : Scope
        Whose bars it is computed on, and of what length.
    compute, values : callable, Mapping
        The computation and its parameters.
    inputs, outputs : tuple of int
        Slots it reads and fills.
    measured : tuple of int
        Those of its outputs that are numbers somebody reads: they decide about warm-up, but for
        numbers that only start once something has happened.
    frees : tuple of int
        Slots that nobody reads after this step.
    own_lookback, lookback : int
        Bars before the first value: of this step alone, and with all that feeds it; of several
        time frames at least so many.
    source : Scope or None
        Where a step's input comes from that carries a series from other bars to those of `scope`;
        such a step computes nothing of its own.
    awaited : bool
        Whether decisions wait for it: not where it feeds nothing but the rank of instruments.
    """

    key: str
    node_id: str
    compute: Compute
    values: Values
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    measured: tuple[int, ...]
    frees: tuple[int, ...]
    own_lookback: int
    lookback: int
    scope: Scope = RUN
    source: Scope | None = None
    awaited: bool = True


@dataclass(frozen=True, slots=True)
class Chart:
    """Outputs that a chart shows.

    Attributes
    ----------
    labels : tuple of str
        A legend for each output: "sma(10)", "macd(12,26,9).signal".
    on_price : bool
        Whether they belong over the price, on its scale.
    """

    labels: tuple[str, ...]
    on_price: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled strategy: the same for every run with the same parameters.

    Attributes
    ----------
    program : Program
        What the engine runs; its warm-up is the derived `lookback`, which evaluation replaces by
        what the data show.
    steps : tuple of Step
        In an order in which each step finds its inputs.
    slots : int
        How many columns there are in all.
    columns : tuple of int
        Slots of `program.columns`, in that order.
    charts : Mapping
        What to chart, by the key of the step.
    parameters : Mapping
        The values of the strategy's parameters.
    warnings : tuple of Detail
        What is odd about the graph.
    lookback : int
        Bars before the first decision on clean data. Where nodes name longer time frames or other
        instruments it is at least so many; how many, the data must show.
    timeframe : str or None
        The time frame of the run that it was compiled for, if it was known.
    messages : Mapping
        What the rules that are alerts tell, by the node they came from.
    """

    program: Program
    steps: tuple[Step, ...]
    slots: int
    columns: tuple[int, ...]
    charts: Mapping[str, Chart]
    parameters: Mapping[str, Any]
    warnings: tuple[Detail, ...]
    lookback: int
    timeframe: str | None = None
    messages: Mapping[str, str] = field(default_factory=dict)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Other instruments that nodes name, in upper case: `Context.others` must hold their bars.

        The run's own may be among them, and need not be given again if `Context.symbol` says so.
        """
        return tuple(sorted({step.scope.symbol for step in self.steps if step.scope.symbol}))

    @property
    def timeframes(self) -> tuple[str, ...]:
        """Time frames that nodes name, other than that of the run where it was known."""
        return tuple(sorted({step.scope.timeframe for step in self.steps if step.scope.timeframe}))
