"""The directed cases: tests with numbers worked out by hand, or beside backtesting.py, one by one.

They are found in the test files by their names and marks, so that a case which is written there
holds the rules against mutations as well.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any, NamedTuple

BY_HAND = (
    *("fills", "guards", "orders", "costs", "commission", "sizing", "slippage", "carrying"),
    *("code", "code_fields", "code_loops", "corners", "guard_corners", "order_corners"),
    *("detail", "actions", "portfolio", "portfolio_order", "portfolio_time"),
    *("portfolio_actions", "portfolio_detail"),
)
BESIDE_REFERENCE = ("tests.engine.test_reference_orders", "tests.backtests.test_reference")
NOT_DIRECTED = ("random", "agrees_on")


class Case(NamedTuple):
    """A test and its arguments."""

    name: str
    function: Callable[..., None]
    arguments: dict[str, Any]


def cases_of(*, reference: bool = False) -> list[Case]:
    """Return the cases by hand, or those beside the reference engine."""
    names = BESIDE_REFERENCE if reference else [f"tests.engine.test_{name}" for name in BY_HAND]
    modules = [importlib.import_module(name) for name in names]
    return [
        case
        for module in modules
        for name, function in vars(module).items()
        if name.startswith("test_") and not any(word in name for word in NOT_DIRECTED)
        for case in calls(f"{module.__name__}::{name}", function)
    ]


def calls(name: str, function: Callable[..., None]) -> Iterator[Case]:
    """Yield the calls of a test that its marks stand for; none where it needs fixtures."""
    grids = [
        list(arguments_of(*mark.args))
        for mark in getattr(function, "pytestmark", [])
        if mark.name == "parametrize"
    ]
    wanted = set(signature(function).parameters)
    for number, chosen in enumerate(itertools.product(*grids)):
        arguments = {key: value for part in chosen for key, value in part.items()}
        if set(arguments) == wanted and not hasattr(function, "hypothesis"):
            yield Case(f"{name}[{number}]", function, arguments)


def arguments_of(names: Any, rows: Any) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each row of a parametrize mark."""
    keys = [key.strip() for key in names.split(",")] if isinstance(names, str) else names
    for row in rows:
        values = row.values if hasattr(row, "marks") else row if len(keys) > 1 else [row]
        yield dict(zip(keys, values, strict=True))


def oracle_remember() -> None:
    """Have the reference engine answer each question once: no mutation changes what it says."""
    for name in BESIDE_REFERENCE:
        module: Any = importlib.import_module(name)
        module.reference_run = remembered(module.reference_run)


def remembered(run: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that keeps what it found, errors too."""
    known: dict[Any, Any] = {}

    def recall(*, bars: Any, columns: Any, program: Any, config: Any, sessions: Any = None) -> Any:
        series = (bars.ts, bars.open, bars.high, bars.low, bars.close, *columns, sessions)
        key = (program, repr(config), *(None if one is None else one.tobytes() for one in series))
        if key not in known:
            try:
                known[key] = run(
                    bars=bars, columns=columns, program=program, config=config, sessions=sessions
                )
            except Exception as error:  # noqa: BLE001 - raised again at every call
                known[key] = error
        if isinstance(known[key], Exception):
            raise known[key]
        return known[key]

    return recall
