"""Lists come in cursor pages: stable while rows are added, and as cheap on page 1,000 as on 1."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class CursorPage(CursorPagination):
    """`{"results", "next", "previous"}`, newest first, `limit` up to 200."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-created_at"
