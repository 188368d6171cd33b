from brokers.models.account import BrokerAccount
from brokers.models.deployment import BookEntry, Deployment, DeploymentTick, DriftReport
from brokers.models.fill import Fill
from brokers.models.order import Order
from brokers.models.order_event import OrderEvent
from brokers.models.paper import PaperExecution, PaperOrder
from brokers.models.position import Position
from brokers.models.risk import ReplacementDecision, RiskDecision, RiskLimit

__all__ = [
    "BookEntry",
    "BrokerAccount",
    "Deployment",
    "DeploymentTick",
    "DriftReport",
    "Fill",
    "Order",
    "OrderEvent",
    "PaperExecution",
    "PaperOrder",
    "Position",
    "ReplacementDecision",
    "RiskDecision",
    "RiskLimit",
]
