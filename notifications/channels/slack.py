"""An incoming webhook of Slack, or of what speaks its format: Mattermost, Discord's ``/slack``."""

from __future__ import annotations

import json

from notifications.channels.base import Message, SecretKind
from notifications.outgoing.posting import message_post, url_fault

TIMEOUT_S = 5.0
MAX_LENGTH = 3000


class Slack:
    """Posts text; the URL itself is what lets us in."""

    repeatable = True
    needs_code = False
    secret = SecretKind.ADDRESS
    rate_per_min = 60

    def is_configured(self) -> bool:
        """Need nothing."""
        return True

    def recipient_fault(self, recipient: str) -> str | None:
        """Take https URLs that do not lead into a network of somebody's own."""
        return url_fault(recipient)

    def secret_fault(self, secret: str) -> str | None:
        """Take none: the URL is the secret."""
        return "the secret of an incoming webhook is its URL" if secret else None

    def send(self, message: Message) -> str:
        """Post the text; Slack answers 200 and says "ok", and gives it no id."""
        said = f"*{escaped(message.subject)}*\n{escaped(message.text)}"[:MAX_LENGTH]
        message_post(
            message.recipient,
            body=json.dumps({"text": said}).encode(),
            headers={"Content-Type": "application/json"},
            timeout_s=TIMEOUT_S,
            service="Slack",
        )
        return ""


def escaped(text: str) -> str:
    """Return text in which nothing is a link, a mention or an entity."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
