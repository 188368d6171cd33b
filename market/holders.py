"""Who holds on to bars as they once were: rows that name their hash.

They stand here by name alone: the apps are above this one, and it imports none of them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import FieldDoesNotExist
from django.db import connection

# Model and field; in a field of JSON, hashes count wherever they stand in it.
HOLDERS: Final = (
    ("backtests.BacktestRun", "snapshot"),
    ("backtests.BacktestRun", "other_snapshots"),
)
HELD: Final = """
    SELECT DISTINCT found.hash[1]
    FROM {table} AS holder
    CROSS JOIN LATERAL regexp_matches(holder.{column}::text, '[0-9a-f]{{64}}', 'g') AS found(hash)
    WHERE found.hash[1] = ANY(%s)
"""


def snapshots_held(hashes: Collection[str]) -> set[str]:
    """Return those hashes that some row names; one read of each table, however many they are."""
    held: set[str] = set()
    if not hashes:
        return held
    with connection.cursor() as cursor:
        quoted = connection.ops.quote_name
        for label, name in HOLDERS:
            model = apps.get_model(label)
            table = quoted(model._meta.db_table)
            column = quoted(model._meta.get_field(name).column)
            cursor.execute(HELD.format(table=table, column=column), [sorted(hashes)])
            held.update(row[0] for row in cursor.fetchall())
    return held


@register()
def holders_check(**_: Any) -> list[CheckMessage]:
    """Find every model and field: bars of runs that are not found here would be dropped."""
    return [fault for label, name in HOLDERS for fault in [_fault(label, name)] if fault]


def _fault(label: str, name: str) -> Error | None:
    try:
        apps.get_model(label)._meta.get_field(name)
    except (LookupError, FieldDoesNotExist) as error:
        return Error(
            f"{label}.{name} is to name the bars that runs keep, but it is not there: {error}.",
            hint="Correct its line in market.holders.HOLDERS.",
            id="market.E004",
        )
    return None
