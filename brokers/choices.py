"""Fixed words of trading, and the names of its tasks."""

from __future__ import annotations

from django.db import models

SUBMIT_TASK = "brokers.order_submit"
SEND_TASK = "brokers.accounts_send"
CHANGE_TASK = "brokers.order_change"
RECONCILE_TASK = "brokers.account_reconcile"
LOOK_TASK = "brokers.orders_look"

# The reason of an order that its broker does not show.
NOT_AT_BROKER = "not_at_broker"


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


class TimeInForce(models.TextChoices):
    """How long an order waits for its price."""

    DAY = "day"
    GTC = "gtc"  # until it is canceled
    IOC = "ioc"  # what does not fill at once is canceled
    FOK = "fok"  # all at once, or nothing


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
    REPLACED = "replaced"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"


# At the venue, as far as we know.
WORKING_STATUSES = (
    OrderStatus.ACCEPTED,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.PENDING_CANCEL,
    OrderStatus.PENDING_REPLACE,
)
OPEN_STATUSES = (
    OrderStatus.CREATED,
    OrderStatus.SUBMITTING,
    OrderStatus.UNKNOWN,
    *WORKING_STATUSES,
)
FINAL_STATUSES = tuple(status for status in OrderStatus if status not in OPEN_STATUSES)

# Ended before anything was done: by us, or by the venue.
REFUSED = (OrderStatus.DENIED, OrderStatus.REJECTED)

# A short sells what is not held; buying to cover is buying.
SIGN = {Side.BUY: 1, Side.COVER: 1, Side.SELL: -1, Side.SHORT: -1}
# What makes a position larger; the others reduce one.
OPENING_SIDES = (Side.BUY, Side.SHORT)
REDUCING_SIDES = (Side.SELL, Side.COVER)
