"""The kind table: adding a channel is a module and a line here."""

from __future__ import annotations

from django.conf import settings

from core.kinds import KindTable
from notifications.channels.base import Channel

CHANNELS: KindTable[Channel] = KindTable(
    "Channel",
    {
        "in_app": "notifications.channels.in_app.InApp",
        "smtp_email": "notifications.channels.smtp_email.SmtpEmail",
        "sendgrid_email": "notifications.channels.sendgrid_email.SendGridEmail",
        "twilio_sms": "notifications.channels.twilio_sms.TwilioSms",
        "webhook": "notifications.channels.webhook.Webhook",
        "telegram": "notifications.channels.telegram.Telegram",
        "slack": "notifications.channels.slack.Slack",
    },
    check_id="notifications.E001",
)


def kind_choices() -> list[tuple[str, str]]:
    """Return the kinds; a function, so that a new one needs no migration."""
    return CHANNELS.choices()


def is_email(kind: str) -> bool:
    """Tell whether a kind sends mail: its messages have a way out, and another may take over."""
    return kind.endswith("_email")


def kind_of(word: str) -> str:
    """Return the kind that "email" or "sms" means on this installation; kinds mean themselves."""
    meanings = {
        "email": "sendgrid_email" if settings.SENDGRID_API_KEY else "smtp_email",
        "sms": "twilio_sms",
    }
    return meanings.get(word, word)
