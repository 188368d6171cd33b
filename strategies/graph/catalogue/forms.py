"""Ports and forms: what a node has, and how its columns are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.sessions.align import bars_closed, values_carry
from strategies.graph.catalogue.coding import Coding
from strategies.graph.params import REQUIRED, Number, Param
from strategies.graph.scope import RUN, Scope

if TYPE_CHECKING:
    from core.engine.bars import Bars
    from strategies.graph.frames import Frames
    from strategies.graph.timing import Timing

Series: TypeAlias = NDArray[Any]
"""A column of one value a bar, or a 0-d array that is the same at every bar."""

Values: TypeAlias = Mapping[str, Any]
"""A node's parameters, read and bound, defaults filled in."""


class PortType(StrEnum):
    """What flows through a port."""

    NUMBER = "number"
    BOOL = "bool"
    EXEC = "exec"


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a node.

    Attributes
    ----------
    name : str
        As in edges; of a numbered port ("in_1", "in_2", …) the part before the number.
    type : PortType
        What flows.
    required : bool
        Whether an input needs an edge.
    literal : bool
        Whether a number in the parameter of the same name may stand for the edge.
    many : bool
        Whether an input takes several edges.
    numbered : bool
        Whether the port may repeat: "in_1", "in_2", …
    field : str
        The instrument's own price field that feeds the input where there is no edge.
    supported : bool
        False where the document may hold edges to it but this version cannot run them.
    unit : str
        What an output's numbers count, where that does not follow from the inputs.
    """

    name: str
    type: PortType
    required: bool = True
    literal: bool = False
    many: bool = False
    numbered: bool = False
    field: str = ""
    supported: bool = True
    description: str = ""
    unit: str = ""

    def matches(self, name: str) -> bool:
        """Return whether an edge's port name means this port."""
        if not self.numbered:
            return name == self.name
        number = name.removeprefix(self.name)
        return number != name and number.isascii() and number.isdigit() and number[0] != "0"

    def describe(self) -> dict[str, Any]:
        """Return the port as the catalogue shows it."""
        about: dict[str, Any] = {
            "name": f"{self.name}1…{self.name}n" if self.numbered else self.name,
            "type": self.type.value,
            "required": self.required,
            "description": self.description,
        }
        extras = {
            "literal": self.literal,
            "many": self.many,
            "numbered": self.numbered,
            "default_field": self.field,
            "unit": self.unit,
        }
        about |= {key: value for key, value in extras.items() if value}
        return about if self.supported else about | {"supported": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One shape of a node type.

    Attributes
    ----------
    name : str
        The selector's value that chooses it; empty for the sole form of a type.
    params, inputs, outputs : tuple
        What it has; the first output is the default one.
    supported : bool
        False where the document may hold it but this version cannot run it.
    code : Coding or None
        How its outputs are computed bar by bar; None where they cannot be, so that nothing that
        depends on the position may feed them.
    by_name : Mapping
        Every parameter, by its name and by its aliases; literal ports included.
    """

    name: str = ""
    title: str = ""
    description: str = ""
    params: tuple[Param, ...] = ()
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    supported: bool = True
    code: Coding | None = field(default=None, repr=False)
    by_name: Mapping[str, Param] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        literals = (
            Number(name=port.name, description=f"A number in place of an edge to {port.name}.")
            for port in self.inputs
            if port.literal
        )
        by_name: dict[str, Param] = {}
        for param in (*self.params, *literals):
            by_name |= dict.fromkeys((param.name, *param.aliases), param)
        object.__setattr__(self, "by_name", by_name)

    def input(self, name: str) -> Port | None:
        """Return the input port that an edge means, if there is one."""
        return next((port for port in self.inputs if port.matches(name)), None)

    def output(self, name: str) -> Port | None:
        """Return the output port of that name; the default one for an empty name."""
        if not name:
            return self.outputs[0] if self.outputs else None
        return next((port for port in self.outputs if port.name == name), None)

    def bind(self, given: Values) -> dict[str, Any]:
        """Return the given values, read already, with defaults for the rest.

        Raises
        ------
        InvalidInput
            If they do not go together; paths are relative ("params.fast").
        """
        defaults = {
            param.name: param.default
            for param in self.params
            if param.default is not REQUIRED and param.default is not None
        }
        return defaults | dict(given)

    def describe(self) -> dict[str, Any]:
        """Return the form as the catalogue shows it.

        `data_only` is true where nothing that depends on the position may feed it.
        """
        unique = {param.name: param for param in self.by_name.values()}
        about: dict[str, Any] = {
            "value": self.name,
            "title": self.title,
            "description": self.description,
            "parameters": [param.describe() for param in unique.values()],
            "inputs": [port.describe() for port in self.inputs],
            "outputs": [port.describe() for port in self.outputs],
        }
        if self.code is None and self.inputs and self.outputs:
            about["data_only"] = True
        return about if self.supported else about | {"supported": False}


class Frame:
    """What a computation may see besides its inputs.

    Parameters
    ----------
    bars : Bars
        Of the instrument and time frame that it is computed on.
    strict_cross : bool
        Whether a crossing needs the bar before to be strictly on the other side, as the
        reference engine has it.
    scope : Scope
        Whose bars they are, and how long.
    frames : Frames, optional
        The frames of the same evaluation; without them the bars stand alone.
    timing : Timing, optional
        When the bars open and are over; found out when it is asked for first.
    """

    __slots__ = ("_closed", "_frames", "_timing", "bars", "scope", "strict_cross")

    def __init__(
        self,
        bars: Bars,
        *,
        strict_cross: bool = False,
        scope: Scope = RUN,
        frames: Frames | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.bars = bars
        self.strict_cross = strict_cross
        self.scope = scope
        self._frames = frames
        self._timing = timing
        self._closed: dict[Scope, NDArray[np.int64]] = {}

    def full(self, series: Series) -> Series:
        """Return the series as one value a bar."""
        if series.ndim:
            return series
        return np.full(len(self.bars), series)

    @property
    def periods_per_year(self) -> float:
        """How many bars of the run a year has."""
        return self._others.periods_per_year

    @property
    def timing(self) -> Timing:
        """When the bars open and are over."""
        if self._timing is None:
            self._timing = self._others.timing(self.scope, self.bars)
        return self._timing

    def carried(self, series: Series, source: Scope) -> Series:
        """Return a series of another scope as it is known when each bar here is over."""
        return values_carry(series, self._closed_of(source))

    def first_known(self, place: int, source: Scope) -> int:
        """Return the first bar at which a bar of another scope is over; their number if none."""
        return int(np.searchsorted(self._closed_of(source), place))

    def _closed_of(self, source: Scope) -> NDArray[np.int64]:
        found = self._closed.get(source)
        if found is None:
            found = bars_closed(self._others.get(source).timing.ends, self.timing.ends)
            self._closed[source] = found
        return found

    @property
    def _others(self) -> Frames:
        if self._frames is None:
            raise ValueError("the frame stands alone: it knows no time and no other frames")
        return self._frames


Compute: TypeAlias = Callable[[Frame, Values, Sequence[Series]], tuple[Series, ...]]
"""Inputs in the order of the form's ports to outputs in the order of the form's ports."""


def no_lookback(_values: Values) -> int:
    """Return 0: the value of a bar depends on that bar alone."""
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesForm(Form):
    """A form that computes columns.

    Attributes
    ----------
    compute : Compute
        The computation, vectorised over all bars.
    lookback : callable
        Bars before the first value, beyond the lookback of the inputs.
    on_price : bool
        Whether the outputs are on the price's scale if the inputs are, so that a chart may lay
        them over the price.
    eventual : bool
        Whether its numbers start when something first happens, if it ever does: the decisions of
        the strategy do not wait for them, nor for what is calculated from them.
    parts : Mapping
        Forms with one output by the name of the output, for a form whose outputs have nothing in
        common: only those that are read are computed.
    """

    compute: Compute
    lookback: Callable[[Values], int] = no_lookback
    on_price: bool = False
    eventual: bool = False
    parts: Mapping[str, SeriesForm] = field(default_factory=dict)
