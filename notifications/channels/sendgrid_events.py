"""SendGrid's Event Webhook: what became of mails, signed, several at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader

from notifications.channels.base import Receipt

# Our argument of a mail, that comes back with each of its events.
ARGUMENT: Final = "alert_delivery"
# SendGrid posts again for a day what was not taken. Within it an event is known by its id.
OLDEST_S: Final = 25 * 3600
AHEAD_S: Final = 300
# Why SendGrid drops a mail to an address that it has given up.
GONE: Final = frozenset({"bounced address", "invalid"})
UNWANTED: Final = frozenset({"unsubscribed address", "spam reporting address"})
ENDINGS: Final = frozenset({"spamreport", "unsubscribe", "group_unsubscribe"})


def events_read(body: bytes, headers: Mapping[str, str], *, key: str) -> list[Receipt] | None:
    """Return what a signed post tells; None where the signature is not that of the key's owner.

    Parameters
    ----------
    key : str
        The public key that SendGrid shows beside the webhook's settings; without it nothing is
        believed.
    """
    timestamp = headers.get(EventWebhookHeader.TIMESTAMP, "")
    signature = headers.get(EventWebhookHeader.SIGNATURE, "")
    if not key or not _is_fresh(timestamp):
        return None
    try:
        if not EventWebhook(key).verify_signature(body.decode(), signature, timestamp):
            return None
    except ValueError:
        return None  # a key, a signature or a body that is none
    try:
        rows = json.loads(body)
    except ValueError:
        return []
    found = map(_receipt, rows if isinstance(rows, list) else [])
    return [receipt for receipt in found if receipt is not None]


def key_fault(key: str) -> str | None:
    """Say what is wrong with a public key."""
    try:
        EventWebhook(key)
    except ValueError as error:
        return str(error)
    return None


def _is_fresh(timestamp: str) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    return -AHEAD_S <= time.time() - int(timestamp) <= OLDEST_S


def _receipt(row: Any) -> Receipt | None:
    """Return what an event tells of a mail; None where it tells nothing that matters here."""
    if not isinstance(row, dict):
        return None
    event, reason = _text(row, "event"), _text(row, "reason")
    told = Receipt(
        arrived=None,
        service_id=_text(row, "sg_message_id"),
        error=f"SendGrid: {event} ({reason[:300] or 'without a reason'})",
        token=_text(row, ARGUMENT),
        recipient=_text(row, "email"),
        event_id=_text(row, "sg_event_id"),
        told_at=_moment(row.get("timestamp")),
    )
    if event == "delivered":
        return replace(told, arrived=True)
    if event == "bounce":
        # One that is blocked may pass another time; the other kind SendGrid never tries again.
        return replace(told, arrived=False, permanent=_text(row, "type") != "blocked")
    if event == "dropped":
        why = reason.lower()
        return replace(told, arrived=False, permanent=why in GONE, unwanted=why in UNWANTED)
    return replace(told, unwanted=True) if event in ENDINGS else None


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    # PostgreSQL keeps no NUL, and a mail server may say one.
    return value.replace("\0", "") if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(value), tz=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
