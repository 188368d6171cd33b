"""Writing the audit log."""

from __future__ import annotations

from typing import Any

from core.accounts.choices import Action
from core.accounts.models import AuditEvent, User
from core.accounts.origin import Origin


def event_record(*, action: Action, owner: User | None, origin: Origin, **data: Any) -> AuditEvent:
    """Write down what was done to an account, in the transaction that does it."""
    return AuditEvent.objects.create(
        action=action, owner=owner, ip=origin.ip, user_agent=origin.user_agent, data=data
    )
