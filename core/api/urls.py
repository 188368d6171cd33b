"""One way to write a route, and the API's own endpoints."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, re_path

PLACEHOLDER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
KINDS = {
    "uuid": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "int": r"[0-9]{1,9}",
    "str": r"[^/]{1,200}",
}


def route(path: str, view: Callable[..., Any], name: str | None = None) -> URLPattern:
    """Return a route whose slash at the end is optional.

    Placeholders are written as in `django.urls.path`: ``"backtests/<uuid:run_id>/trades"``; the
    view gets them as strings.
    """
    pattern = PLACEHOLDER.sub(
        lambda match: f"(?P<{match['name']}>{KINDS[match['kind'] or 'str']})", path.strip("/")
    )
    return re_path(rf"^{pattern}/?$", view, name=name)
