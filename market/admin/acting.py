"""What is done with each of the rows that were chosen in a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from core.errors import ApplicationError

Row = TypeVar("Row", bound=Model)


def each(
    page: admin.ModelAdmin[Row],
    request: HttpRequest,
    rows: QuerySet[Row],
    change: Callable[[Row], object],
    done: str,
) -> None:
    """Do something with the chosen rows; what cannot be is told, and the others go on."""
    changed = 0
    for row in rows:
        try:
            change(row)
            changed += 1
        except ApplicationError as error:
            page.message_user(request, f"{row}: {error.message}", messages.WARNING)
    if changed:
        page.message_user(request, f"{changed} {done}.")
