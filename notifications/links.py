"""Links that travel in mails: signed, stored nowhere."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core import signing

SALT: Final = "notifications.unsubscribe"


def unsubscribe_url(channel_id: UUID) -> str:
    """Return where a POST, or a person's click, ends the mails of a channel."""
    query = urlencode({"token": _signer().sign(channel_id.hex)})
    return f"{settings.PUBLIC_URL}/api/v1/notifications/unsubscribe?{query}"


def unsubscribe_channel_id(token: str) -> UUID | None:
    """Return the channel that a token is about; None where it is none of ours.

    It has no end: the link of an old mail works too.
    """
    try:
        return UUID(hex=_signer().unsign(token))
    except (signing.BadSignature, ValueError):
        return None


def _signer() -> signing.Signer:
    return signing.Signer(sep=".", salt=SALT)
