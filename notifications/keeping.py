"""The secrets of channels, sealed in their rows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.sealing import sealed, unsealed
from notifications.models import UserChannel


def secrets_seal(channel_id: UUID, *, current: str, previous: str = "") -> bytes:
    """Return the secrets of a channel as its row keeps them."""
    values = {"current": current} | ({"previous": previous} if previous else {})
    return sealed(values, context=_context(channel_id))


def secrets_open(channel: UserChannel, *, now: datetime) -> tuple[str, ...]:
    """Return the secrets that are good now, the newest first.

    Raises
    ------
    Permanent
        When no master key opens them.
    """
    if not channel.secrets:
        return ()
    values = unsealed(bytes(channel.secrets), context=_context(channel.id))
    both = channel.previous_until is not None and now < channel.previous_until
    kept = [values["current"], *([values["previous"]] if both and "previous" in values else [])]
    return tuple(kept)


def _context(channel_id: UUID) -> str:
    return f"channel:{channel_id}"
