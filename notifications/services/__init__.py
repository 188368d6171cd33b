from notifications.services.addressing import channel_code_request
from notifications.services.alerts import (
    alert_read,
    alert_send,
    alerts_read,
    delivery_resend,
    strategy_alert,
)
from notifications.services.channels import (
    channel_create,
    channel_secret_rotate,
    channel_test,
    channel_unsubscribe,
    channel_update,
    channel_verify,
    secrets_reseal,
)
from notifications.services.receipts import receipts_take
from notifications.services.rules import rule_create, rule_update
from notifications.telling import event_notify
from notifications.telling_many import Telling, events_notify, events_wanted

__all__ = [
    "Telling",
    "alert_read",
    "alert_send",
    "alerts_read",
    "channel_code_request",
    "channel_create",
    "channel_secret_rotate",
    "channel_test",
    "channel_unsubscribe",
    "channel_update",
    "channel_verify",
    "delivery_resend",
    "event_notify",
    "events_notify",
    "events_wanted",
    "receipts_take",
    "rule_create",
    "rule_update",
    "secrets_reseal",
    "strategy_alert",
]
