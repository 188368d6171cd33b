"""What an indicator says about itself: inputs, parameters, outputs, warm-up.

A `Spec` is data. `GET indicators`, the node catalogue, validation and documentation are all made
from it; nothing about an indicator is written twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

PRICE_FIELDS = ("open", "high", "low", "close", "volume")
"""Inputs that default to the instrument's own column."""

SESSION_FIELDS = ("session", "minute")
"""Inputs that default to the instrument's own sessions; all others must be connected.

``session`` is the date of the bar's session in days since 1970-01-01, ``minute`` the minutes from
the session's open to the bar's open, below zero before it. Both are float64, as every input.
"""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of an indicator.

    Attributes
    ----------
    name : str
        The plain name: ``"period"``, ``"fast"``, ``"deviations"``.
    kind : {"int", "float", "choice"}
        What a value must be. An integral float is taken for an int.
    default : int, float or str
        Used where the caller gives nothing.
    minimum, maximum : float or None
        Bounds, both inclusive; None is unbounded, and means nothing for a choice.
    choices : tuple of str
        The values of a choice.
    description : str
        One sentence.
    aliases : tuple of str
        Other names that mean the same, TA-Lib's own first.
    follows : str
        Name of the parameter whose value is the default where the caller gives that one and not
        this one; empty if `default` stands alone.
    """

    name: str
    kind: Literal["int", "float", "choice"]
    default: float | str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    description: str = ""
    aliases: tuple[str, ...] = ()
    follows: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the parameter as the API shows it: only the keys its kind has."""
        shown: dict[str, Any] = {"name": self.name, "kind": self.kind, "default": self.default}
        if self.kind == "choice":
            shown["choices"] = list(self.choices)
        else:
            shown |= {"minimum": self.minimum, "maximum": self.maximum}
        if self.follows:
            shown["follows"] = self.follows
        return shown | {"description": self.description, "aliases": list(self.aliases)}


@dataclass(frozen=True, slots=True)
class Spec:
    """An indicator as callers see it.

    Attributes
    ----------
    name : str
        Lower case, unique among names and aliases.
    title : str
        What a chart's legend says.
    group : str
        ``"overlap"``, ``"momentum"``, ``"volatility"``, ``"volume"``, ``"cycle"``, ``"price"``,
        ``"statistics"``, ``"math"`` or ``"pattern"``.
    inputs : tuple of str
        ``"source"`` is one series that must be connected (as are ``"left"``, ``"right"`` and
        ``"periods"`` of the few functions on two series); a name of `PRICE_FIELDS` defaults to
        the instrument's column, one of `SESSION_FIELDS` to what its calendar says.
    parameters : tuple of Parameter
        In the order in which the kernel takes them.
    outputs : tuple of str
        The first is the default one.
    recursive : bool
        Whether, with default parameters, a value depends on bars older than `lookback`: on all
        before it, however old, so that a later start of the data changes it (an exponential
        average), or on all since some event (a session's open). See
        `core.indicators.registry.is_recursive` for given parameters.
    repaints : bool
        Whether a later bar may change an earlier value. Such an indicator is no signal source.
    description : str
        What it measures and what is special about it.
    aliases : tuple of str
        Other names, lower case.
    overlay : bool
        Whether it is drawn over the price (same scale) rather than in a pane of its own.
    lookback : int
        Number of leading NaN with default parameters; the least number where it depends on the
        data (a session has to begin, a swing to be confirmed).
    """

    name: str
    title: str
    group: str
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]
    recursive: bool
    repaints: bool
    description: str
    aliases: tuple[str, ...] = ()
    overlay: bool = False
    lookback: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the spec as `GET indicators` shows it; JSON-able."""
        return {
            "name": self.name,
            "title": self.title,
            "group": self.group,
            "description": self.description,
            "aliases": list(self.aliases),
            "inputs": list(self.inputs),
            "parameters": [parameter.as_dict() for parameter in self.parameters],
            "outputs": list(self.outputs),
            "lookback": self.lookback,
            "recursive": self.recursive,
            "repaints": self.repaints,
            "overlay": self.overlay,
        }
