"""Changing many rows in one statement, each to values of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.utils import timezone

from core.db import BaseModel


def rows_update(
    rows: Sequence[BaseModel], fields: Sequence[str], *, status_was: Sequence[str] | None = None
) -> int:
    """Write some fields of rows, and return how many were there.

    A statement of PostgreSQL's: `bulk_update` writes a branch for each value, and takes longer to
    put it together than the database to carry it out.

    Parameters
    ----------
    rows : sequence of BaseModel
        Of one model.
    fields : sequence of str
        Names of the fields to write; `updated_at` is written besides.
    status_was : sequence of str, optional
        Of each row the status that it must have to be changed.
    """
    if not rows:
        return 0
    now = timezone.now()
    for row in rows:
        row.updated_at = now
    meta = rows[0]._meta
    known = {field.name: field for field in meta.concrete_fields}
    chosen = [known[name] for name in ("id", *fields, "updated_at")]
    arrays = [_array(field, rows) for field in chosen]
    names = [connection.ops.quote_name(str(field.column)) for field in chosen]
    casts = [f"%s::{_type(field)}[]" for field in chosen]
    held = ""
    if status_was is not None:
        arrays.append([str(status) for status in status_was])
        names.append("status_was")
        casts.append("%s::text[]")
        held = " AND kept.status = given.status_was"
    told = ", ".join(f"{name} = given.{name}" for name in names[1 : len(chosen)])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {connection.ops.quote_name(meta.db_table)} AS kept SET {told} "  # noqa: S608 - names of our own columns
            f"FROM UNNEST({', '.join(casts)}) AS given({', '.join(names)}) "
            f"WHERE kept.id = given.id{held}",
            arrays,
        )
        return int(cursor.rowcount)


def _array(field: models.Field[Any, Any], rows: Sequence[BaseModel]) -> list[Any]:
    return [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows]


def _type(field: models.Field[Any, Any]) -> str:
    """Return a column's type without its length: a cast to that would cut texts off silently."""
    return str(field.db_type(connection)).partition("(")[0]
