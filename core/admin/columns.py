"""Columns that show one attribute of a row."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.db.models import Model


def column(
    path: str, show: Callable[[Any], str], *, title: str = "", ordering: str | None = None
) -> Callable[[Any, Model], str]:
    """Return a column, to be an attribute of a page or of an inline.

    Parameters
    ----------
    path : str
        Where the value is, seen from the row, such as ``"owner"`` or ``"account.owner"``.
    show : callable
        Turns the value into what is read.
    title : str, optional
        What stands above the column; without it the last name of `path`, in words.
    ordering : str, optional
        What a list can be sorted by with this column, such as ``"owner__email"``.
    """
    value_of = attrgetter(path)

    @admin.display(
        description=title or path.rpartition(".")[2].replace("_", " "), ordering=ordering
    )
    def shown(page: Any, row: Model) -> str:  # noqa: ARG001 - it is called as a method of its page
        return show(value_of(row))

    return shown
