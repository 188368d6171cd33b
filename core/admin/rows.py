"""What may be done to rows that people do not write."""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)


class ShownOnly:
    """Rows that only the code that owns them writes; the admin shows them, and deletes them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Nobody changes one by hand."""
        return False


class Kept(ShownOnly):
    """Rows that are a record: nobody deletes one by hand either."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Nobody deletes one by hand."""
        return False


class ActedOn(ShownOnly, admin.ModelAdmin[Row]):
    """Rows whose list has actions, while a single one is for reading.

    An action goes the way that the API goes, with its checks and its audit; a form would pass all
    of that over.
    """

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those act on rows who may change them; nobody changes one by hand."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request, obj)
