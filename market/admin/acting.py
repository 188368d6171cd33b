"""Actions that the code does row by row."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import each
from core.admin.rows import Row


def each_told(
    page: admin.ModelAdmin[Row],
    request: HttpRequest,
    rows: QuerySet[Row],
    change: Callable[[Row], object],
    done: str,
) -> None:
    """Do something with the chosen rows, and tell with how many it was done."""
    if changed := each(page, request, rows, change):
        page.message_user(request, f"{changed} {done}.")
