from brokers.models.account import BrokerAccount
from brokers.models.fill import Fill
from brokers.models.order import Order
from brokers.models.order_event import OrderEvent
from brokers.models.paper import PaperExecution
from brokers.models.position import Position

__all__ = ["BrokerAccount", "Fill", "Order", "OrderEvent", "PaperExecution", "Position"]
