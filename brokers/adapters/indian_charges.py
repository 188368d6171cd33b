"""What brokers in India charge: brokerage, taxes and fees, told of an order once it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from brokers.adapters.base import Execution

STEP: Final = Decimal("1e-8")


def charges_shared(
    total: Decimal, units: Decimal, executions: Sequence[Execution], *, lot: int
) -> Mapping[str, Decimal]:
    """Return what each execution of an order bears of its charges: by its value.

    The last one bears what rounding leaves. None bears anything where not all of them are known,
    or where nothing is charged: there is no trade without a tax, so that is not reckoned yet.

    Parameters
    ----------
    units : Decimal
        For which the charges were told.
    lot : int
        Units of which one is counted by executions.
    """
    known = sum((one.quantity for one in executions), Decimal(0)) * lot
    if total <= 0 or known != units:
        return {}
    value = sum((one.quantity * one.price for one in executions), Decimal(0))
    shares = {
        one.execution_id: (total * one.quantity * one.price / value).quantize(STEP)
        for one in executions
    }
    shares[executions[-1].execution_id] += total - sum(shares.values(), Decimal(0))
    return shares
