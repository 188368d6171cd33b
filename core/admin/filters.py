"""Filters of lists by words that stand for conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest


class ConditionFilter(admin.SimpleListFilter):
    """Narrows a list by a word; a subclass says which there are, and what each asks of a row."""

    def conditions(self) -> Mapping[str, tuple[str, Q]]:
        """Return by the word in the address its label, and what holds of the rows it leaves."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's signature
        """Return the words with their labels."""
        return [(word, label) for word, (label, _) in self.conditions().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - Django's signature
        """Return the rows of which the chosen word holds; all of them where none was chosen."""
        _, condition = self.conditions().get(self.value() or "", ("", Q()))
        return queryset.filter(condition)
