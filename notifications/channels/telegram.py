"""A chat with a Telegram bot that belongs to the user: its token is the channel's secret."""

from __future__ import annotations

import json
import re

from notifications.channels.base import DeliveryError, Message, SecretKind
from notifications.outgoing.posting import message_post

API_URL = "https://api.telegram.org"
TIMEOUT_S = 5.0
MAX_LENGTH = 4096
CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31}")
TOKEN = re.compile(r"[0-9]{5,15}:[A-Za-z0-9_-]{20,60}")


class Telegram:
    """Calls `sendMessage` of the Bot API."""

    repeatable = True
    needs_code = False
    secret = SecretKind.GIVEN
    rate_per_min = 20

    def is_configured(self) -> bool:
        """Need nothing: every user brings a bot."""
        return True

    def recipient_fault(self, recipient: str) -> str | None:
        """Take ids of chats, and names of public channels."""
        if CHAT.fullmatch(recipient):
            return None
        return f"{recipient!r} is not a chat of Telegram, such as 123456789 or @my_channel"

    def secret_fault(self, secret: str) -> str | None:
        """Take tokens of bots."""
        if TOKEN.fullmatch(secret):
            return None
        return "the secret must be the token of your bot, such as 123456:ABC-DEF…, from @BotFather"

    def send(self, message: Message) -> str:
        """Send the text, without markup, and return Telegram's id of the message."""
        if not message.secrets:
            raise DeliveryError("the channel has no bot token", permanent=True)
        body = {
            "chat_id": message.recipient,
            "text": f"{message.subject}\n\n{message.text}"[:MAX_LENGTH],
            "link_preview_options": {"is_disabled": True},
        }
        answer = message_post(
            f"{API_URL}/bot{message.secrets[0]}/sendMessage",
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            timeout_s=TIMEOUT_S,
            service="Telegram",
        )
        try:
            return str(json.loads(answer.body)["result"]["message_id"])
        except (ValueError, LookupError, TypeError):
            return ""  # a long message is echoed beyond what is read of an answer
