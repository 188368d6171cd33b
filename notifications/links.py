"""Links that travel in messages: signed, stored nowhere."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core import signing

from notifications.models import Delivery, UserChannel

SALT: Final = "notifications.unsubscribe"
NOT_OURS: Final = "This link is not ours, or what it ends has ended already."
RECEIPT_SALT: Final = "notifications.receipt"


def unsubscribe_url(channel: UserChannel) -> str:
    """Return where a POST, or a person's click, ends the mails of a channel to this address."""
    query = urlencode({"token": _signer(channel.address).sign(channel.id.hex)})
    return f"{settings.PUBLIC_URL}/api/v1/notifications/unsubscribe?{query}"


def unsubscribe_channel(token: str) -> UserChannel | None:
    """Return the channel that a token is about; None where it is none of ours.

    It has no end: the link of an old mail works too, but not once the channel has moved to another
    address, whose mails it cannot end.
    """
    named, _, _ = token.partition(".")
    try:
        channel = UserChannel.objects.filter(id=UUID(hex=named)).first()
        if channel is not None:
            _signer(channel.address).unsign(token)
    except (signing.BadSignature, ValueError):
        return None
    return channel


def receipt_url(delivery: Delivery) -> str:
    """Return where a service may tell what became of a delivery; "" where none can reach us."""
    if not settings.PUBLIC_URL.startswith("https://"):
        return ""
    query = urlencode({"delivery": receipt_token(delivery)})
    return f"{settings.PUBLIC_URL}/api/v1/notifications/receipts/{delivery.kind}?{query}"


def receipt_token(delivery: Delivery) -> str:
    """Return what stands for a delivery in what a service tells of it."""
    return _receipt_signer().sign(delivery.id.hex)


def receipt_delivery_id(token: str) -> UUID | None:
    """Return the delivery that a token is about; None where it is none of ours."""
    try:
        return UUID(hex=_receipt_signer().unsign(token))
    except (signing.BadSignature, ValueError):
        return None


def _receipt_signer() -> signing.Signer:
    return signing.Signer(sep=".", salt=RECEIPT_SALT)


def _signer(address: str) -> signing.Signer:
    return signing.Signer(sep=".", salt=f"{SALT}:{address}")
