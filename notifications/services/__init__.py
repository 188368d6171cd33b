from notifications.services.alerts import alert_read, alert_send, delivery_resend, event_notify
from notifications.services.rules import (
    channel_create,
    channel_test,
    channel_update,
    rule_create,
    rule_update,
)

__all__ = [
    "alert_read",
    "alert_send",
    "channel_create",
    "channel_test",
    "channel_update",
    "delivery_resend",
    "event_notify",
    "rule_create",
    "rule_update",
]
