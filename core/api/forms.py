"""The bodies of requests: forms that refuse what nobody reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request

from core.spelling import did_you_mean


def body_of(
    form: type[serializers.BaseSerializer[Any]], request: Request, **options: Any
) -> dict[str, Any]:
    """Return the body of a request as its form reads it.

    Raises
    ------
    ValidationError
        With what is wrong in it.
    """
    read = form(data=request.data, **options)
    read.is_valid(raise_exception=True)
    return dict(read.validated_data)


class KnownFields(serializers.Serializer[Any]):
    """Refuses names it doesn't know: a misspelt one would be lost without a word."""

    # What an answer holds and a client may send back unchanged.
    sent_back: ClassVar[frozenset[str]] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown names, then read the known ones."""
        if isinstance(data, Mapping):
            unknown = [key for key in data if key not in self.fields and key not in self.sent_back]
            if unknown:
                raise serializers.ValidationError({key: [self._unknown(key)] for key in unknown})
        return super().to_internal_value(data)

    def _unknown(self, key: str) -> serializers.ErrorDetail:
        known = list(self.fields)
        hint = did_you_mean(str(key), known)
        message = f"There is no field {key!r} here; there are: {', '.join(known)}.{hint}"
        return serializers.ErrorDetail(message, code="unknown_field")
