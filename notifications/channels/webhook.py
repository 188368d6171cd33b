"""A webhook of the user's own, signed as Standard Webhooks."""

from __future__ import annotations

import json
import time

from notifications.channels.base import DeliveryError, Message, SecretKind
from notifications.outgoing.posting import message_post, url_fault
from notifications.outgoing.signing import signature_headers

TIMEOUT_S = 5.0


class Webhook:
    """Posts JSON; the receiver checks the signature and drops an id it has seen."""

    repeatable = True
    needs_code = False
    secret = SecretKind.MADE
    rate_per_min = 120

    def is_configured(self) -> bool:
        """Need nothing."""
        return True

    def recipient_fault(self, recipient: str) -> str | None:
        """Take https URLs that do not lead into a network of somebody's own."""
        return url_fault(recipient)

    def secret_fault(self, secret: str) -> str | None:
        """Take none: it is made here."""
        return "the secret of a webhook is made here, and shown once" if secret else None

    def send(self, message: Message) -> str:
        """Post the alert and return its id, which is the same each time it is tried."""
        if not message.secrets:
            raise DeliveryError("the webhook has no secret to sign with", permanent=True)
        message_id = f"msg_{message.alert_id}"
        body = json.dumps(
            {
                "type": message.event,
                "timestamp": message.created_at,
                "data": {
                    "id": message.alert_id,
                    "subject": message.subject,
                    "text": message.text,
                    **({"details": dict(message.data)} if message.data else {}),
                },
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        signed = signature_headers(
            message.secrets, message_id=message_id, timestamp=int(time.time()), body=body
        )
        message_post(
            message.recipient,
            body=body,
            headers={"Content-Type": "application/json", "User-Agent": "algobacktester", **signed},
            timeout_s=TIMEOUT_S,
            service="The webhook",
        )
        return message_id
