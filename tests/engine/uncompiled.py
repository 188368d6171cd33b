"""The kernel in plain Python, in any wording, and the directed cases that hold its rules.

With `NUMBA_DISABLE_JIT` set, numba's decorators return functions as they are, so that an edited
rule runs at once. `python -m tests.engine.uncompiled` prints what came of the cases, and of the
mutations, as JSON.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

import core.engine.portfolio
import core.engine.simulate
import tests.engine.code_scenario
from tests.engine.directed import Case, cases_of, oracle_remember
from tests.engine.mutations import CONTRACT
from tests.engine.mutations_beyond import BEYOND
from tests.engine.mutations_inside import INSIDE
from tests.engine.mutations_shared import SHARED

PACKAGE = "core.engine"
FOLDER = Path(core.engine.simulate.__file__).parent
SLOWEST_S = 5
MUTATIONS = (*CONTRACT, *BEYOND, *INSIDE, *SHARED)
LIKELY = {
    "book": ("test_fills", "test_costs", "corners::test_adding"),
    "carrying": ("carrying", "weekend"),
    "code_memory": ("code_loops", "crossings"),
    "costs": ("test_costs", "commission", "limit_is_never"),
    "decide": ("test_fills", "corners::test_the_exit", "opened", "new_order"),
    "entries": ("test_fills", "guards::test_an_entry", "commission_must"),
    "fills": ("test_fills", "test_guards"),
    "kernel": ("test_fills", "last_bar"),
    "own_trades": ("kelly",),
    "portfolio_kernel": ("portfolio",),
    "ranking": ("portfolio_order",),
    "sharing": ("portfolio",),
    "sizing": ("test_costs", "test_fills", "commission_must", "volatility", "own_equity"),
    "slippage": ("test_slippage",),
    "stops": ("test_fills", "guard_corners", "ticks"),
    "tickets": ("test_orders::test_an_order", "trailing", "guards_are_measured"),
    "touch": ("stop_limit",),
    "volume": ("share_its_volume",),
    "waiting": ("within_a_bar", "guarded_in_its_bar", "test_orders", "order_corners", "next_open"),
}
"""Words in the names of the cases that are tried first for a module: they save time alone."""


@functools.cache
def rule_modules() -> list[str]:
    """Return the modules that numba compiles."""
    return sorted(
        path.stem
        for path in FOLDER.glob("*.py")
        if "from core.engine.jit import" in path.read_text()
    )


def kernel_use(**sources: str) -> None:
    """Have runs from now on go through the uncompiled kernel, some of its modules edited."""
    for name in rule_modules():
        sys.modules.pop(f"{PACKAGE}.{name}", None)
    for name, source in sources.items():
        module = ModuleType(f"{PACKAGE}.{name}")
        sys.modules[module.__name__] = module
        exec(compile(source, f"{name}.py", "exec"), module.__dict__)
    kernel = in_python(importlib.import_module(f"{PACKAGE}.kernel").bars_run)
    for user in (core.engine.simulate, tests.engine.code_scenario):
        user.kernel_load = lambda: kernel
    portfolio = in_python(importlib.import_module(f"{PACKAGE}.portfolio_kernel").moments_run)
    core.engine.portfolio.portfolio_load = lambda: portfolio


def in_python(run: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loop that takes what the compiled one takes."""

    def kernel(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return run(*map(readable, arguments))

    return kernel


class Record:
    """A row of a structured array, not a copy of it; its fields are attributes, as to numba."""

    __slots__ = ("_row",)  # no name of a field: a holding has a `row`

    def __init__(self, row: Any) -> None:
        object.__setattr__(self, "_row", row)

    def __getattr__(self, name: str) -> Any:
        return self._row[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._row[name] = value

    __getitem__ = __getattr__
    __setitem__ = __setattr__


class Records:
    """A structured array of such rows."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows
        self.size = rows.size

    def __getitem__(self, place: Any) -> Any:
        found = self.rows[place]
        return Record(found) if isinstance(found, np.void) else Records(found)

    def __setitem__(self, place: Any, record: Record) -> None:
        self.rows[place] = record._row


def readable(value: Any) -> Any:
    """Return an argument of the kernel with the fields of its records as attributes."""
    if isinstance(value, tuple):
        return value._make(map(readable, value))
    records = isinstance(value, np.ndarray) and value.dtype.names
    return Records(value) if records else value


class TooSlow(BaseException):
    """A case that comes to no end; no test may catch it."""


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """End what an edited rule may never end."""

    def stop(*_: Any) -> NoReturn:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SLOWEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def failure(case: Case) -> str:
    """Return what a case finds wrong, or nothing."""
    try:
        with in_time():
            case.function(**case.arguments)
    except (Exception, TooSlow) as error:  # noqa: BLE001 - any error fails a case
        return f"{type(error).__name__}: {str(error)[:120]}"
    return ""


def seconds(case: Case) -> float:
    """Return how long a case takes."""
    start = time.perf_counter()
    failure(case)
    return time.perf_counter() - start


def caught(name: str, source: str, cases: list[Case]) -> str:
    """Return the first case that fails with another source of a module, the likely ones first."""
    kernel_use(**{name: source})
    likely = LIKELY.get(name, ())
    for case in sorted(cases, key=lambda case: not any(word in case.name for word in likely)):
        if failure(case):
            return case.name
    return ""


def digests(cases: list[Case]) -> dict[str, str]:
    """Return a hash of all results that each case saw."""
    found = {}
    users: tuple[tuple[Any, str], ...] = (
        (core.engine.simulate, "Result"),
        (core.engine.portfolio, "PortfolioResult"),
    )
    made = [getattr(module, name) for module, name in users]
    digest = hashlib.sha256()

    def recorded(result: Callable[..., Any], **parts: Any) -> Any:
        for name in ("equity", "cash", "position", "trades", "fills", "alerts"):
            values = parts[name]
            for column in values.dtype.names or [...]:
                digest.update(np.ascontiguousarray(values[column]).tobytes())
        digest.update(repr(parts["counters"]).encode())
        return result(**parts)

    for (module, name), result in zip(users, made, strict=True):
        setattr(module, name, functools.partial(recorded, result))
    try:
        for case in cases:
            digest = hashlib.sha256()
            case.function(**case.arguments)
            found[case.name] = digest.hexdigest()
    finally:
        for (module, name), result in zip(users, made, strict=True):
            setattr(module, name, result)
    return found


def main() -> None:
    assert os.environ.get("NUMBA_DISABLE_JIT") == "1"
    kernel_use()
    cases = cases_of()
    found: dict[str, Any] = {"digests": digests(cases), "caught": {}}
    oracle_remember()
    cases += cases_of(reference=True)
    found["failing"] = {case.name: text for case in cases if (text := failure(case))}
    cases.sort(key=seconds)
    for number, mutation in enumerate(MUTATIONS):
        source = (FOLDER / f"{mutation.module}.py").read_text()
        if source.count(mutation.old) == 1:
            edited = source.replace(mutation.old, mutation.new)
            found["caught"][number] = caught(mutation.module, edited, cases)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
