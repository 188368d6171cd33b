"""What a broker is to us. Nothing above an adapter knows a venue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from brokers.choices import AssetType, OrderStatus, OrderType, Side


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do; an order beyond it is refused before it is sent."""

    order_types: frozenset[OrderType]
    asset_types: frozenset[AssetType]
    fractional: bool
    short: bool


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as it goes to a venue."""

    account_id: UUID
    client_order_id: str
    symbol: str
    asset_type: AssetType
    side: Side
    order_type: OrderType
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill as a venue tells it; `execution_id` is unique in the account."""

    execution_id: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as a venue knows it."""

    broker_order_id: str
    status: OrderStatus
    executions: tuple[Execution, ...] = ()


class Refused(Exception):
    """The venue has proven that it did not take the order."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknown(Exception):
    """The venue may or may not have the order: never send it again, ask."""


class Adapter(Protocol):
    """One broker."""

    capabilities: Capabilities

    def submit(self, request: OrderRequest) -> VenueOrder:
        """Send an order, once.

        Raises
        ------
        Refused
            Only where the venue has proven that it did not take it.
        OutcomeUnknown
            In every other case of failure.
        """
        ...

    def find(self, *, account_id: UUID, client_order_id: str) -> VenueOrder | None:
        """Return the order the venue has under our id, None where it has none.

        Raises
        ------
        OutcomeUnknown
            When the venue does not answer.
        """
        ...
