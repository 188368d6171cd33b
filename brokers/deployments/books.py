"""The books of deployments as this process has read them: of each only what is new is read.

The rows of a book are numbered, under the lock of their deployment, and never changed: whoever has
read the first n of them has read them for good.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from brokers.deployments.choices import BookKind
from brokers.deployments.wanted import BookRow
from brokers.models import BookEntry
from market.bar_times import ts_of

# Of so many deployments books are kept, those read last.
KEPT: Final = 1000
FIELDS: Final = (
    "kind", "bar_ts", "decided_ts", "rule", "side", "quantity", "price", "commission", "reason",
    "entry_ts", "done", "symbol",
)  # fmt: skip

# An index scan for each deployment, from the first row that is not known on.
NEW_ROWS: Final = f"""
    SELECT entry.deployment_id, entry.number, entry.order_id, {", ".join(f"entry.{f}" for f in FIELDS)}
    FROM UNNEST(%s::uuid[], %s::int[]) AS known(deployment_id, number)
    JOIN brokers_bookentry AS entry
      ON entry.deployment_id = known.deployment_id AND entry.number > known.number
    ORDER BY entry.deployment_id, entry.number
"""  # noqa: E501, S608 - names of our own columns


@dataclass(slots=True)
class Book:
    """What is booked of one deployment.

    Attributes
    ----------
    rows : list of BookRow
        The oldest bar first; within a bar as they were booked.
    entered : dict
        Of each order that opens something: the bar of its first fill.
    count : int
        How many rows there are; also the number of the last.
    """

    rows: list[BookRow] = field(default_factory=list)
    entered: dict[UUID, datetime] = field(default_factory=dict)
    count: int = 0

    def enter(self, number: int, order_id: UUID, bar_ts: datetime, row: BookRow) -> None:
        """Take in the row that comes next.

        Raises
        ------
        ValueError
            When it does not follow the last one: a row is missing.
        """
        if number != self.count + 1:
            raise ValueError(f"Row {number} of a book does not follow row {self.count}.")
        self.count = number
        if row.kind == BookKind.LAPSED:
            return  # It is written down that this was seen: nobody decides by it.
        self.rows.append(row)
        if row.kind == BookKind.ENTRY:
            first = self.entered.get(order_id, bar_ts)
            self.entered[order_id] = min(first, bar_ts)

    def copy(self) -> Book:
        """Return one that can be written in without changing this one."""
        return Book(list(self.rows), dict(self.entered), self.count)


_kept: OrderedDict[UUID, Book] = OrderedDict()


def books_read(deployment_ids: Iterable[UUID]) -> dict[UUID, Book]:
    """Return the books of deployments whose rows are locked, each to be written in."""
    ids = list(deployment_ids)
    known = {each: _kept.get(each) or Book() for each in ids}
    # What could not be read to its end must not be kept as if it were.
    found = {each: book.copy() for each, book in known.items()}
    changed = set()
    with connection.cursor() as cursor:
        cursor.execute(NEW_ROWS, [ids, [known[each].count for each in ids]])
        for deployment_id, number, order_id, *values in cursor.fetchall():
            row = dict(zip(FIELDS, values, strict=True))
            found[deployment_id].enter(number, order_id, row["bar_ts"], _row(row))
            changed.add(deployment_id)
    for each in ids:
        book = found[each]
        if each in changed:
            book.rows.sort(key=lambda row: row.bar_ts)
        _kept[each] = book
        _kept.move_to_end(each)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return {each: book.copy() for each, book in found.items()}


def books_forget() -> None:
    """Forget what was read; it is read again when it is needed."""
    _kept.clear()


def row_of(entry: BookEntry) -> BookRow:
    """Return a row of the book as decisions read it."""
    return _row({name: getattr(entry, name) for name in FIELDS})


def _row(values: dict[str, Any]) -> BookRow:
    return BookRow(
        kind=values["kind"],
        bar_ts=ts_of(values["bar_ts"]),
        decided_ts=ts_of(values["decided_ts"]),
        rule=values["rule"],
        side=values["side"],
        quantity=float(values["quantity"]),
        price=float(values["price"]),
        commission=float(values["commission"] or 0),
        reason=values["reason"],
        entry_ts=ts_of(values["entry_ts"]) if values["entry_ts"] else 0,
        done=values["done"],
        symbol=values["symbol"],
    )
