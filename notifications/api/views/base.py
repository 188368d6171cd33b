from __future__ import annotations

from typing import Any

from rest_framework.request import Request


def valid(serializer_class: type[Any], request: Request, **options: Any) -> dict[str, Any]:
    """Return the checked body of the request."""
    serializer = serializer_class(data=request.data, **options)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
