"""Whether a broker takes the orders that a strategy will place there."""

from __future__ import annotations

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, OrderType
from brokers.deployments.drafting import KINDS
from brokers.deployments.reading import plan_of
from brokers.models import Deployment
from brokers.services.capability import asset_type_of, pair_fault
from core.engine.program import Operation
from core.errors import InvalidInput
from market.models import Instrument

OPENS = (Operation.OPEN_LONG, Operation.OPEN_SHORT)
TRADES = (*OPENS, Operation.CLOSE_LONG, Operation.CLOSE_SHORT, Operation.CLOSE)


def orders_check(deployment: Deployment, instrument: Instrument) -> None:
    """Refuse a strategy whose orders its broker does not take of what it trades.

    Each of them would be refused when it is placed: a stop-loss with the position open already.

    Raises
    ------
    InvalidInput
        With what the broker lacks.
    """
    adapter = ADAPTERS.get(deployment.account.kind)
    asset_type = asset_type_of(instrument)
    paid = pair_fault(deployment.account, instrument.symbol)
    if asset_type == AssetType.FOREX and paid is not None:
        raise InvalidInput(paid.message, code=paid.code, details=[paid])
    offer = adapter.capabilities.of(asset_type)
    rules = [rule for rule in plan_of(deployment).program.rules if rule.operation in TRADES]
    placed = {KINDS[rule.order.kind] for rule in rules}
    if any(rule.stop_loss or rule.trailing for rule in rules if rule.operation in OPENS):
        placed.add(OrderType.STOP)
    lacking = sorted(placed - offer.order_types)
    if lacking:
        raise InvalidInput(
            f"{adapter.title} takes no {' or '.join(lacking)} orders of {instrument.symbol}, and "
            f"this strategy places them: it takes {', '.join(sorted(offer.order_types))} orders. "
            "Leave them out, or deploy it elsewhere.",
            code="orders_unsupported",
        )
    if not offer.short and any(rule.operation == Operation.OPEN_SHORT for rule in rules):
        raise InvalidInput(
            f"{adapter.title} has no short sales of {instrument.symbol}, and this strategy sells "
            "short. Leave that out, or deploy it elsewhere.",
            code="orders_unsupported",
        )
