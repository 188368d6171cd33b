"""The admin's pages of accounts, orders and deployments."""

from brokers.admin import accounts, deployments, holdings, orders

__all__ = ["accounts", "deployments", "holdings", "orders"]
