"""What messages say: templates as plain text and HTML, in which nothing of a user's is markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from django.template.loader import render_to_string, select_template
from django.utils.safestring import SafeString

from notifications.channels.base import Message
from notifications.channels.kinds import is_email
from notifications.choices import Hold
from notifications.events import EVENTS
from notifications.keeping import address_of
from notifications.links import unsubscribe_url
from notifications.models import Alert, UserChannel

FOLDER: Final = "notifications"
DIGEST: Final = Hold.DIGEST.value


@dataclass(frozen=True, slots=True)
class Body:
    """A message's text, and the same as HTML."""

    text: str
    html: str


def message_of(
    *,
    channel: UserChannel,
    alerts: Sequence[Alert],
    secrets: tuple[str, ...],
    receipt_url: str = "",
    receipt_token: str = "",
) -> Message:
    """Return the message that tells of one alert, or of several at once.

    Everything is rendered here, in the thread that sends it: what breaks a template holds up
    nobody else.
    """
    first = alerts[0]
    several = len(alerts) > 1
    link = unsubscribe_url(channel) if is_email(channel.kind) else ""
    zone = channel.owner.time_zone
    body = _body(DIGEST if several else first.event, alerts, link, zone)
    subject = f"{len(alerts)} alerts: {first.subject}"[:200] if several else first.subject
    return Message(
        recipient=address_of(channel, secrets),
        subject=subject,
        text=body.text,
        alert_id=str(first.id),
        html=body.html,
        event=DIGEST if several else first.event,
        created_at=iso(first),
        data={"alerts": [_listed(alert) for alert in alerts]} if several else first.data,
        secrets=secrets,
        unsubscribe_url=link,
        receipt_url=receipt_url,
        receipt_token=receipt_token,
    )


def code_message(*, channel: UserChannel, code: str, minutes: int) -> Message:
    """Return the message that proves an address."""
    context = {"code": code, "minutes": minutes}
    return Message(
        recipient=channel.address,
        subject="Your algobacktester code",
        text=_text("code.txt", context),
        alert_id=f"code-{channel.id}",
        html=render_to_string(f"{FOLDER}/code.html", context),
        event="channel.code",
    )


def iso(alert: Alert) -> str:
    """Return when an alert was made, in UTC."""
    return alert.created_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _body(event: str, alerts: Sequence[Alert], link: str, zone: str) -> Body:
    """Render the event's own template where there is one, else that of every event."""
    kind = EVENTS.get(event)
    context: dict[str, Any] = {
        "alert": alerts[0],
        "alerts": alerts,
        "title": kind.title if kind else "",
        "unsubscribe_url": link,
        "zone": zone,
    }
    names = [f"{FOLDER}/{event}", f"{FOLDER}/message"]
    text = select_template([f"{name}.txt" for name in names]).render(context)
    html = select_template([f"{name}.html" for name in names]).render(context)
    return Body(_plain(text), html)


def _text(name: str, context: dict[str, Any]) -> str:
    return _plain(render_to_string(f"{FOLDER}/{name}", context))


def _plain(text: SafeString | str) -> str:
    return str(text).strip()


def _listed(alert: Alert) -> dict[str, Any]:
    return {
        "id": str(alert.id),
        "type": alert.event,
        "subject": alert.subject,
        "text": alert.text,
        "timestamp": iso(alert),
        "details": alert.data,
    }
