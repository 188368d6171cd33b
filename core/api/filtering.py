"""Filters of lists: what is asked and not known is refused, and what may be asked is named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import QuerySet
from django.forms import DateTimeField, Field, NullBooleanField
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request

from core.errors import Detail, InvalidInput
from core.spelling import did_you_mean

BOOLEANS: Final = {"true", "false", ""}
SHOWN: Final = 50


class Filters(FilterSet):  # type: ignore[misc]  # django-filter has no types
    """What a list can be narrowed to: the filters that a subclass names, and none by itself."""


class StrictFilters(DjangoFilterBackend):  # type: ignore[misc]  # django-filter has no types
    """Narrows a list by the view's `filterset_class`; a value it cannot take is told."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        """Return the rows that were asked for.

        Raises
        ------
        InvalidInput
            With a detail for each value that is none, and the values that may be asked for.
        """
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        fields = filterset.form.fields
        wrong = {
            name: [("invalid", "")]
            for name in fields
            if _is_no_boolean(fields[name], name, request)
        }
        if not filterset.is_valid():
            wrong |= {
                name: [(str(fault.code or "invalid"), fault.messages[0]) for fault in faults]
                for name, faults in filterset.errors.as_data().items()
            }
        if wrong:
            details = [
                _detail(name, fields.get(name), code, said, request.query_params.get(name, ""))
                for name, faults in wrong.items()
                for code, said in faults
            ]
            raise InvalidInput(f"{details[0].path}: {details[0].message}", details=details)
        return filterset.qs


def names_check(request: Request, known: Iterable[str]) -> None:
    """Refuse a query with names that nobody reads: what was meant to narrow a list would not.

    Raises
    ------
    InvalidInput
        Naming what may be asked for.
    """
    names = sorted(known)
    details = []
    for name in request.query_params:
        if name not in names:
            message = f"There is no parameter {name[:SHOWN]!r} here.{did_you_mean(name, names)}"
            message = f"{message} There are: {', '.join(names)}."
            details.append(
                Detail(path=name[:SHOWN], code="unknown_parameter", message=message, expected=names)
            )
    if details:
        raise InvalidInput(details[0].message, details=details)


def _is_no_boolean(field: Field, name: str, request: Request) -> bool:
    # Its widget takes any other word for nothing asked.
    asked = request.query_params.get(name, "").lower()
    return isinstance(field, NullBooleanField) and asked not in BOOLEANS


def _detail(name: str, field: Field | None, code: str, said: str, given: str) -> Detail:
    given = given[:SHOWN]
    if isinstance(field, NullBooleanField):
        expected: Any = ["true", "false"]
    else:
        expected = [str(value) for value, _ in getattr(field, "choices", []) if value] or None
    if expected:
        said = f"{given!r} is not possible: use {', '.join(expected)}."
    elif isinstance(field, DateTimeField):
        said = f"{given!r} is no time: write 2026-01-31T14:30:00Z."
    return Detail(path=name, code=code, message=said, expected=expected, received=given)
