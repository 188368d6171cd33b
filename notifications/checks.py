"""What is wrong with the operator's keys is told to the operator, not to users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import DatabaseError

from notifications.channels.sendgrid_events import key_fault
from notifications.models import ServiceFault

TWILIO: Final = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM_NUMBER")


@register()
def keys_check(**_: Any) -> list[CheckMessage]:
    """Tell of keys that no service has ever given out, and of halves."""
    faults: list[CheckMessage] = []
    given = [name for name in TWILIO if getattr(settings, name)]
    if given and len(given) < len(TWILIO):
        missing = ", ".join(name for name in TWILIO if name not in given)
        faults.append(
            checks.Warning(
                f"SMS cannot be sent: {', '.join(given)} is set, but {missing} is not.",
                hint="Set all three, or none to do without SMS.",
                id="notifications.W001",
            )
        )
    if settings.SENDGRID_API_KEY and not settings.SENDGRID_API_KEY.startswith("SG."):
        faults.append(
            checks.Warning(
                "SENDGRID_API_KEY does not look like a key of SendGrid: they begin with SG.",
                hint="Copy the key as it was shown when it was made, not its id.",
                id="notifications.W002",
            )
        )
    if settings.SENDGRID_EVENT_KEY and (fault := key_fault(settings.SENDGRID_EVENT_KEY)):
        faults.append(
            checks.Warning(
                f"SENDGRID_EVENT_KEY cannot be read, so that no bounce is heard of: {fault}",
                hint="Copy the verification key of the Event Webhook, in base64 on one line.",
                id="notifications.W004",
            )
        )
    return faults


@register(Tags.database)
def services_check(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Tell of services that refuse this installation (``check --database default``)."""
    if not databases:
        return []
    try:
        faults = list(ServiceFault.objects.order_by("created_at"))
    except DatabaseError:
        return []  # before the first migration
    return [
        checks.Warning(
            f"{fault.kind} refuses this installation since {fault.created_at:%Y-%m-%d %H:%M} UTC: "
            f"{fault.error}",
            hint="Mend its key or account; what is queued leaves by itself, up to a day later.",
            id="notifications.W003",
        )
        for fault in faults
    ]
