"""The kind table: adding a channel is a module and a line here."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from notifications.channels.base import Channel

KINDS: dict[str, str] = {
    "in_app": "notifications.channels.in_app.InApp",
    "smtp_email": "notifications.channels.smtp_email.SmtpEmail",
    "sendgrid_email": "notifications.channels.sendgrid_email.SendGridEmail",
    "twilio_sms": "notifications.channels.twilio_sms.TwilioSms",
}


def kind_choices() -> list[tuple[str, str]]:
    """Return the kinds for forms and serializers."""
    return [(kind, kind.replace("_", " ")) for kind in KINDS]


def kind_of(word: str) -> str:
    """Return the kind that "email" or "sms" means on this installation; kinds mean themselves."""
    meanings = {
        "email": "sendgrid_email" if settings.SENDGRID_API_KEY else "smtp_email",
        "sms": "twilio_sms",
    }
    return meanings.get(word, word)


@cache
def channel_of(kind: str) -> Channel:
    """Return the channel of a kind."""
    channel: Channel = import_string(KINDS[kind])()
    return channel


@register
def kinds_importable(**_: object) -> list[CheckMessage]:
    """Refuse to start with a kind whose module is missing or broken."""
    faults: list[CheckMessage] = []
    for kind, path in KINDS.items():
        try:
            import_string(path)
        except ImportError as error:
            faults.append(
                Error(
                    f"Channel kind {kind!r} cannot be imported: {error}",
                    hint=f"KINDS names {path}: is the module there, is its library installed?",
                    id="notifications.E001",
                )
            )
    return faults
