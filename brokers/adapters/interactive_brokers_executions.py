"""Executions at Interactive Brokers, and what was charged for them.

Commissions are reported apart from executions, mostly a moment later: one that does not come in
time is not known yet. Whoever asks for executions again is told of them again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

from ib_async import ExecutionFilter
from ib_async.objects import Execution as Executed
from ib_async.objects import Fill
from ib_async.util import UNSET_DOUBLE

from brokers.adapters.base import Execution
from brokers.adapters.interactive_brokers_contracts import PAIR
from brokers.adapters.interactive_brokers_gateway import Line

LOOK_S: Final = 0.005
COMMISSIONS_WITHIN_S: Final = 0.5
STEP: Final = Decimal("1e-8")


async def fills_told(ib: Line, account: str, wanted: Callable[[Executed], bool]) -> list[Fill]:
    """Return executions of an account, each as it was corrected last.

    Commissions are waited for a moment.
    """
    found: dict[str, Fill] = {}
    for fill in await ib.reqExecutionsAsync(ExecutionFilter(acctCode=account)):
        one = fill.execution
        if one.acctNumber == account and wanted(one):
            known = found.get(execution_id(fill))
            if known is None or known.execution.execId < one.execId:
                found[execution_id(fill)] = fill
    waited_until = time.monotonic() + COMMISSIONS_WITHIN_S
    while time.monotonic() < waited_until:
        if all(fill.execution.execId in ib.commissions for fill in found.values()):
            break
        await asyncio.sleep(LOOK_S)
    return list(found.values())


def executions_of(ib: Line, fills: Iterable[Fill]) -> tuple[Execution, ...]:
    """Return executions with the commissions that are known."""
    return tuple(_execution(ib, fill) for fill in fills)


def commissions_of(executions: Iterable[Execution]) -> Mapping[str, Decimal]:
    """Return the commissions that are known, by the ids of their executions."""
    return {one.execution_id: one.commission for one in executions if one.commission is not None}


def execution_id(fill: Fill) -> str:
    """Return the id of an execution, which a correction of it has too: it counts once.

    They differ in what comes after the last point only.
    """
    return fill.execution.execId.rpartition(".")[0] or fill.execution.execId


def amount(value: float | Decimal) -> Decimal:
    """Return a number of the library's as it was told."""
    return Decimal(str(value))


def _execution(ib: Line, fill: Fill) -> Execution:
    commission, charged_in = _charged(ib, fill)
    return Execution(
        execution_id=execution_id(fill),
        quantity=amount(fill.execution.shares),
        price=amount(fill.execution.price),
        commission=commission,
        executed_at=fill.execution.time,
        charged_in=charged_in,
    )


def _charged(ib: Line, fill: Fill) -> tuple[Decimal | None, str]:
    """Return a commission in the money that the price is in, and what else it was charged in.

    Of currencies it is charged in the account's, which may be the one that was bought.
    """
    report, contract = ib.commissions.get(fill.execution.execId), fill.contract
    if report is None or report.commission == UNSET_DOUBLE:
        return None, ""
    charged = amount(report.commission)
    if report.currency in {"", contract.currency}:
        return charged.quantize(STEP), ""
    if contract.secType == PAIR and report.currency == contract.symbol:
        return (charged * amount(fill.execution.price)).quantize(STEP), report.currency
    return None, report.currency
