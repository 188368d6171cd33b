"""What actions of lists do with the rows that were chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.contrib import admin, messages
from django.http import HttpRequest

from core.admin.rows import Row
from core.errors import ApplicationError


def each(
    page: admin.ModelAdmin[Row],
    request: HttpRequest,
    rows: Iterable[Row],
    change: Callable[[Row], object],
) -> int:
    """Do something with each row, and return with how many it was done.

    What cannot be done is told by its row, and the others go on.
    """
    changed = 0
    for row in rows:
        try:
            change(row)
        except ApplicationError as error:
            page.message_user(request, f"{row}: {error.message}", messages.WARNING)
        else:
            changed += 1
    return changed
