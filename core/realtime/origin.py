"""Which pages may open a WebSocket."""

from __future__ import annotations

from urllib.parse import ParseResult

from channels.security.websocket import OriginValidator


class KnownOrigin(OriginValidator):  # type: ignore[misc]  # channels has no types
    """Admits the listed origins, and clients that are no browsers and so send none.

    A browser always sends `Origin` and cannot be made to leave it out; a socket needs a one-time
    ticket besides, which only the API hands out.
    """

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """Tell whether the socket may be opened."""
        return parsed_origin is None or bool(self.validate_origin(parsed_origin))
