"""In-app: the alert is in the list already; delivering it is telling the open sockets."""

from __future__ import annotations

from uuid import UUID

from core.realtime.services import event_publish
from notifications.channels.base import Message, SecretKind


class InApp:
    """Pushes to the user's WebSocket, topic `alerts`."""

    repeatable = True
    needs_code = False
    secret = SecretKind.NONE
    rate_per_min = 600

    def is_configured(self) -> bool:
        """Need nothing."""
        return True

    def recipient_fault(self, recipient: str) -> str | None:
        """Take any user's id."""
        return None if recipient else "an in-app alert goes to a user"

    def secret_fault(self, secret: str) -> str | None:
        """Take none."""
        return "an address of this kind takes no secret" if secret else None

    def send(self, message: Message) -> str:
        """Publish the alert as a numbered event and return its number."""
        event = event_publish(
            user_id=UUID(message.recipient),
            topic="alerts",
            type="alert",
            data={"id": message.alert_id, "subject": message.subject, "text": message.text},
        )
        return str(event.seq)
