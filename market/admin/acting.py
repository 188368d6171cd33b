"""Pages of rows that nobody changes by hand, but that the code can be told to work on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from core.admin import ShownOnly
from core.errors import ApplicationError

Row = TypeVar("Row", bound=Model)


class WorkedAdmin(ShownOnly, admin.ModelAdmin[Row]):
    """Rows that only the code writes, but that it can be told to do something with."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those act on rows who may change them; nobody changes one by hand."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request, obj)


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
