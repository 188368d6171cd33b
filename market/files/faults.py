"""Faults of a file: told by line and column, all of them at once, and nothing of it is taken."""

from __future__ import annotations

from typing import Final

from core.errors import Detail, InvalidInput

SHOWN_FAULTS: Final = 20


def cell_fault(row: int, name: str, text: str, expected: str, *, first_line: int) -> Detail:
    """Return what is wrong with a cell.

    Parameters
    ----------
    row : int
        Of the bars, from 0.
    name : str
        Of our column.
    text, expected : str
        What is there, and what must be.
    first_line : int
        Line of the file that bar 0 is in.
    """
    return Detail(
        path=f"bars[{row}].{name}",
        code="not_a_time" if name == "ts" else "not_a_number",
        message=f"line {row + first_line}: {name} {text!r} is not {expected}.",
        expected=expected,
        received=text,
    )


def faults_refuse(faults: list[Detail]) -> None:
    """Raise InvalidInput with the first faults and the number of the rest, if there are any."""
    if not faults:
        return
    rest = len(faults) - SHOWN_FAULTS
    more = f" {rest} more are not listed." if rest > 0 else ""
    raise InvalidInput(
        f"{len(faults)} values or rows are invalid: {faults[0].message}{more}",
        code="invalid_bars",
        details=faults[:SHOWN_FAULTS],
    )
