"""Fixed words of trading, and the names of its tasks."""

from __future__ import annotations

from django.db import models

SUBMIT_TASK = "brokers.order_submit"


class AccountState(models.TextChoices):
    """What an account may do: everything, only reduce positions, or nothing."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class Side(models.TextChoices):
    """What an order does. A sell closes what is held; a short sells what is not."""

    BUY = "buy"
    SELL = "sell"
    SHORT = "short"
    COVER = "cover"


class OrderType(models.TextChoices):
    """How an order is priced."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class AssetType(models.TextChoices):
    """What is traded."""

    STOCK = "stock"
    CRYPTO = "crypto"
    FOREX = "forex"
    OPTION = "option"


class OrderStatus(models.TextChoices):
    """Where an order is; `brokers.transitions` says where it may go from there."""

    CREATED = "created"
    DENIED = "denied"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"


OPEN_STATUSES = (
    OrderStatus.CREATED,
    OrderStatus.SUBMITTING,
    OrderStatus.UNKNOWN,
    OrderStatus.ACCEPTED,
    OrderStatus.PARTIALLY_FILLED,
)
