"""What users and deployments ask of the brokers. The worker's side is `brokers.dispatch`."""

from brokers.services.accounts import paper_account
from brokers.services.intents import intent_create
from brokers.services.orders import order_cancel, order_create, order_replace

__all__ = ["intent_create", "order_cancel", "order_create", "order_replace", "paper_account"]
