"""What was done to accounts at brokers, in the audit log of its owner."""

from __future__ import annotations

from typing import Any

from django.db import models

from brokers.models import BrokerAccount
from core.accounts.models import AuditEvent, User
from core.accounts.origin import Origin


class TradingAction(models.TextChoices):
    """What an audit event about trading tells."""

    ACCOUNT_CONNECTED = "broker_account_connected"
    ACCOUNT_REMOVED = "broker_account_removed"
    CREDENTIALS_STORED = "broker_credentials_stored"
    LIVE_ENABLED = "broker_live_enabled"
    LIVE_REFUSED = "broker_live_refused"
    STATE_SET = "broker_state_set"
    KILL_SWITCH = "kill_switch"


def trading_record(
    action: TradingAction,
    user: User,
    origin: Origin,
    account: BrokerAccount | None = None,
    **data: Any,
) -> AuditEvent:
    """Write down what was done, in the transaction that does it."""
    about = {"account_id": str(account.id), "kind": account.kind} if account else {}
    return AuditEvent.objects.create(
        action=action,
        owner=user,
        ip=origin.ip,
        user_agent=origin.user_agent,
        data=about | data,
    )
