from notifications.models.alert import Alert
from notifications.models.delivery import Delivery
from notifications.models.rule import AlertRule
from notifications.models.service_fault import ServiceFault
from notifications.models.told_event import ToldEvent
from notifications.models.user_channel import UserChannel

__all__ = ["Alert", "AlertRule", "Delivery", "ServiceFault", "ToldEvent", "UserChannel"]
