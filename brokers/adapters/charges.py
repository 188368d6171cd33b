"""What a broker is to us that tells commissions apart from executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from brokers.adapters.base import Access, Adapter, Execution, OrderRef


@dataclass(frozen=True, slots=True)
class Uncharged:
    """An order of which commissions are not known: what it is found by, and all its executions."""

    ref: OrderRef
    executions: tuple[Execution, ...]


@runtime_checkable
class TellsCommissions(Adapter, Protocol):
    """A broker that may tell an execution before its commission."""

    def commissions(self, access: Access, orders: Sequence[Uncharged]) -> Mapping[str, Decimal]:
        """Return commissions by the ids of executions, as far as they are known by now.

        Those of some orders; of others too where the broker tells them together.
        """
        ...
