"""What the admin pages of all apps share."""

from core.admin.acting import each
from core.admin.columns import column
from core.admin.filters import ConditionFilter
from core.admin.rows import ActedOn, Kept, ShownOnly
from core.admin.showing import (
    EMPTY,
    badge,
    duration,
    indented,
    list_link,
    list_path,
    moment,
    number,
    percent,
    plain,
    row_link,
    signed,
)

__all__ = [
    "EMPTY",
    "ActedOn",
    "ConditionFilter",
    "Kept",
    "ShownOnly",
    "badge",
    "column",
    "duration",
    "each",
    "indented",
    "list_link",
    "list_path",
    "moment",
    "number",
    "percent",
    "plain",
    "row_link",
    "signed",
]
