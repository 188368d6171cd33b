"""Faults of a file: told by line and column, all of them at once, and nothing of it is taken."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from core.errors import Detail, InvalidInput

SHOWN_FAULTS: Final = 20
# Times first: where they are wrong the file is most likely understood wrongly.
ORDER: Final = ("ts", "open", "high", "low", "close", "volume")


class Faults:
    """Cells that are wrong: how many, and the first ones of each column.

    A file may have millions; only those that are shown are kept.
    """

    def __init__(self) -> None:
        self.count = 0
        self._first: dict[str, list[Detail]] = defaultdict(list)

    def __bool__(self) -> bool:
        return self.count > 0

    def cell(self, row: int, name: str, text: str, expected: str, *, first_line: int) -> None:
        """Note what is wrong with a cell.

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
        self.count += 1
        if len(self._first[name]) < SHOWN_FAULTS:
            self._first[name].append(
                Detail(
                    path=f"bars[{row}].{name}",
                    code="not_a_time" if name == "ts" else "not_a_number",
                    message=f"line {row + first_line}: {name} {text!r} is not {expected}.",
                    expected=expected,
                    received=text,
                )
            )

    def refuse(self) -> None:
        """Raise InvalidInput with the first faults and the number of the rest, if there are any."""
        names = sorted(self._first, key=lambda name: (*ORDER, name).index(name))
        shown = [detail for name in names for detail in self._first[name]]
        _refuse(shown, self.count)


def faults_refuse(faults: list[Detail]) -> None:
    """Raise InvalidInput with the first of these and the number of the rest, if there are any."""
    _refuse(faults, len(faults))


def _refuse(faults: list[Detail], count: int) -> None:
    if not count:
        return
    rest = count - SHOWN_FAULTS
    more = f" {rest} more are not listed." if rest > 0 else ""
    raise InvalidInput(
        f"{count} values or rows are invalid: {faults[0].message}{more}",
        code="invalid_bars",
        details=faults[:SHOWN_FAULTS],
    )
