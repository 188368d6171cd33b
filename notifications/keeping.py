"""The secrets of channels, sealed in their rows."""

from __future__ import annotations

import hashlib
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from core.errors import Permanent
from core.sealing import sealed, unsealed
from notifications.channels.base import SecretKind
from notifications.channels.kinds import CHANNELS
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


def address_shown(kind: str, address: str) -> str:
    """Return an address as rows, lists and histories show it.

    Of one that is itself the secret that is its host and a fingerprint, the same each time, which
    tells two of them apart: ``https://hooks.slack.com/… (3f2a9c1d)``.
    """
    if CHANNELS.get(kind).secret is not SecretKind.ADDRESS:
        return address
    host = urlsplit(address).netloc.lower()
    return f"https://{host}/… ({hashlib.sha256(address.encode()).hexdigest()[:8]})"


def address_of(channel: UserChannel, secrets: tuple[str, ...]) -> str:
    """Return where messages of a channel go.

    Raises
    ------
    Permanent
        When the address is kept as a secret, and there is none.
    """
    if CHANNELS.get(channel.kind).secret is not SecretKind.ADDRESS:
        return channel.address
    if not secrets:
        raise Permanent("The address of the channel is lost: give it again.", code="no_address")
    return secrets[0]


def _context(channel_id: UUID) -> str:
    return f"channel:{channel_id}"
