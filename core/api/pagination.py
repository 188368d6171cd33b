"""Lists come in cursor pages: stable while rows are added, and as cheap on page 1,000 as on 1."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import exceptions as drf
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from core.errors import Detail, InvalidInput, NotFound


class CursorPage(CursorPagination):
    """`{"results", "next", "previous"}`, newest first, `limit` up to 200."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-created_at"

    def get_page_size(self, request: Request) -> int | None:
        """Return how many rows a page has; a number over the most is the most.

        Raises
        ------
        InvalidInput
            When `limit` is no number of rows.
        """
        asked = request.query_params.get(self.page_size_query_param)
        if asked is not None and (not asked.isdecimal() or len(asked) > 18 or int(asked) < 1):
            message = f"{asked[:50]!r} is no number of rows: use 1 to {self.max_page_size}."
            detail = Detail(path="limit", code="invalid", message=message, received=asked[:50])
            raise InvalidInput(f"limit: {message}", details=[detail])
        return super().get_page_size(request)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Return the rows of the page.

        Raises
        ------
        NotFound
            When the cursor cannot be read, or its place is not a value of the column that the
            list is ordered by: it is forged, or belongs to another list or ordering.
        """
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, DjangoValidationError, drf.NotFound) as error:
            raise NotFound(
                "The cursor does not belong to this list: follow its own 'next', or leave it out.",
                code="invalid_cursor",
            ) from error
