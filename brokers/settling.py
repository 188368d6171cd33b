"""What becomes of contracts that are over, at a broker that says no more than what an account has.

A contract that has expired is there no more: it was worth nothing, or shares came or went for it at
its strike. Which it was the shares say, to the unit: they must be what some of the contracts that
are gone deliver. So an assignment before the expiry is known too, where short contracts are gone
and exactly their shares are there. Brokers book contracts and shares at different hours, so for
some days after an expiry what is missing on either side is waited for. All else stays a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Final, NamedTuple
from uuid import UUID

from django.utils import timezone

from brokers.adapters.base import Execution, VenueOrder
from brokers.choices import OrderStatus, Side
from brokers.executions import UNITS
from brokers.external import external_record
from brokers.models import BrokerAccount, Fill, Position
from brokers.quotes import Quotes
from core.db import uuid7
from core.errors import InvalidInput
from core.options.result import OptionExitReason
from core.transactions import atomic
from market.contract_prices import EXERCISED_FROM
from market.contracts import ContractTerms, contract_terms

ZERO: Final = Decimal(0)
WAITED_FOR: Final = timedelta(days=4)
# Of so many that are gone on one underlying each may have delivered or not.
MOST: Final = 10

EXPIRED: Final = OptionExitReason.EXPIRED.label
ASSIGNED: Final = OptionExitReason.ASSIGNED.label
EXERCISED: Final = OptionExitReason.EXERCISED.label
SETTLED: Final = OptionExitReason.SETTLED.label


class Gone(NamedTuple):
    """Contracts that we have and the broker does not.

    Attributes
    ----------
    units : Decimal
        How many, below zero of those that were short.
    ends_at : datetime
        When they expire.
    close : Decimal or None
        What their underlying was worth then, where it is known.
    partly : bool
        Whether others of them are still there: then these were assigned, or it is not known why.
    """

    terms: ContractTerms
    units: Decimal
    multiplier: Decimal
    ends_at: datetime
    close: Decimal | None = None
    partly: bool = False

    @property
    def shares(self) -> Decimal:
        """The shares that come in for them, those that go out below zero."""
        return self.units * self.terms.sign * self.multiplier

    @property
    def delivery(self) -> str:
        """How they end where they deliver."""
        return ASSIGNED if self.units < 0 else EXERCISED

    @property
    def inside(self) -> bool | None:
        """Whether they expire in the money; None where that is not known."""
        return None if self.close is None else self.terms.inside(self.close) >= EXERCISED_FROM


@dataclass(frozen=True, slots=True)
class Settlement:
    """How contracts ended, and at what price each."""

    gone: Gone
    how: str
    price: Decimal = ZERO

    @property
    def delivers(self) -> bool:
        """Whether shares came or went for them."""
        return self.how in {ASSIGNED, EXERCISED}


@dataclass(frozen=True, slots=True)
class Settled:
    """What was found out about the contracts on one underlying.

    Attributes
    ----------
    settlements : tuple of Settlement
    waits : bool
        Whether what else differs may come right within days.
    """

    settlements: tuple[Settlement, ...] = ()
    waits: bool = False


def settlements_find(
    gone: Sequence[Gone], *, shown: Sequence[Gone], shares: Decimal, now: datetime
) -> Settled:
    """Return how contracts on one underlying ended.

    Parameters
    ----------
    gone : sequence of Gone
        Contracts that the broker has no more.
    shown : sequence of Gone
        Those that are over and that the broker still shows.
    shares : Decimal
        Of the underlying that the broker has and we have not, below zero the other way round.
    """
    delivered = _delivering(gone, shares)
    if delivered is None:
        late = [one for one in (*gone, *shown) if one.ends_at <= now < one.ends_at + WAITED_FOR]
        return Settled(waits=bool(late) and _delivering((*gone, *shown), shares) is not None)
    settlements = [Settlement(one, one.delivery) for one in delivered]
    waits = False
    for one in gone:
        if one in delivered or one.partly or one.ends_at > now:
            continue
        if one.inside is False or now >= one.ends_at + WAITED_FOR:
            settlements.append(_ended(one))
        else:
            waits = True  # its shares may still come
    return Settled(tuple(settlements), waits)


def _ended(one: Gone) -> Settlement:
    """Return how contracts ended for which no shares came: paid in money, or worth nothing."""
    if one.inside and one.close is not None:
        return Settlement(one, SETTLED, price=one.terms.inside(one.close))
    return Settlement(one, EXPIRED)


def _delivering(gone: Sequence[Gone], shares: Decimal) -> tuple[Gone, ...] | None:
    """Return those whose shares are the ones that came; None where none are.

    Of several ways the one that is most like what the closes say.
    """
    if len(gone) > MOST:
        likely = tuple(one for one in gone if one.inside)
        return likely if sum((one.shares for one in likely), ZERO) == shares else None
    fitting = [
        some
        for count in range(len(gone) + 1)
        for some in combinations(gone, count)
        if sum((one.shares for one in some), ZERO) == shares
    ]
    return min(fitting, key=lambda some: _surprises(gone, some), default=None)


def _surprises(gone: Iterable[Gone], delivered: Sequence[Gone]) -> int:
    return sum(one.inside is not None and one.inside != (one in delivered) for one in gone)


def contracts_settle(
    account: BrokerAccount, *, ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal]
) -> set[str]:
    """Write down how contracts ended; return the symbols whose difference is waited for.

    What has been filled since, or settled by another, is left as it is: then positions are others
    than those that were compared.

    Parameters
    ----------
    ours, theirs : mapping of str to Decimal
        Units by symbol: of an account's contracts, and of all symbols that differ.
    """
    now = timezone.now()
    quotes = Quotes([account.owner_id], now=now)
    contracts = Position.objects.filter(account=account, expires_at__isnull=False)
    held = contracts.exclude(quantity=0).select_related("account")
    by_underlying: dict[str, list[tuple[Gone, bool]]] = {}
    for position in held:
        found = _gone(position, ours, theirs, quotes, now)
        if found is not None:
            by_underlying.setdefault(found[0].terms.underlying, []).append(found)
    waiting: set[str] = set()
    for underlying, rows in by_underlying.items():
        settled = settlements_find(
            [one for one, missing in rows if missing],
            shown=[one for one, missing in rows if not missing],
            shares=theirs.get(underlying, ZERO) - ours.get(underlying, ZERO),
            now=now,
        )
        settlements_record(account, settled.settlements, ours=ours)
        if settled.waits:
            waiting |= {underlying, *(one.terms.symbol for one, _ in rows)}
    return waiting


def _gone(
    position: Position,
    ours: Mapping[str, Decimal],
    theirs: Mapping[str, Decimal],
    quotes: Quotes,
    now: datetime,
) -> tuple[Gone, bool] | None:
    """Return contracts of a position that may have ended, and whether the broker has them no more.

    All of those that are over; of others only short ones that have become fewer.
    """
    terms = contract_terms(position.symbol)
    if terms is None or position.expires_at is None:
        return None
    over = position.expires_at <= now
    units = position.quantity - theirs.get(position.symbol, ZERO)
    missing = position.symbol in ours and units != 0
    if over and (not missing or units == position.quantity):
        units = position.quantity
    elif not (missing and position.quantity <= units < 0):
        return None
    close = None
    if over:
        try:
            close = quotes.market(terms.underlying, position.account.owner_id).close_on(terms)
        except InvalidInput:
            close = None
    partly = units != position.quantity
    return Gone(terms, units, position.multiplier, position.expires_at, close, partly), missing


@atomic
def settlements_record(
    account: BrokerAccount, settlements: Sequence[Settlement], *, ours: Mapping[str, Decimal]
) -> None:
    """Write down the ends of contracts, and the shares that came or went, all or nothing.

    Nothing where positions are not `ours` any more, by which these ends were found: they are locked
    until this is written, so that what moves them comes before it or after it.
    """
    symbols = {one.gone.terms.symbol for one in settlements}
    symbols |= {one.gone.terms.underlying for one in settlements} & ours.keys()
    rows = Position.objects.select_for_update().filter(account=account, symbol__in=symbols)
    held = {row.symbol: row.quantity for row in rows.order_by("account_id", "symbol")}
    if any(held.get(symbol, ZERO) != ours[symbol] for symbol in symbols):
        return
    now = timezone.now()
    for one in settlements:
        terms, at = one.gone.terms, min(one.gone.ends_at, now)
        for deployment_id, units in parts_of(account.id, terms.symbol, one.gone.units):
            shares = units * terms.sign * one.gone.multiplier if one.delivers else ZERO
            for symbol, quantity, price in (
                (terms.symbol, -units, one.price),
                (terms.underlying, shares, terms.strike),
            ):
                if quantity:
                    external_record(
                        account=account,
                        venue=_venue(symbol, quantity, price, at),
                        deployment_id=deployment_id,
                        reason_code=one.how,
                        reason=ended_text(terms, one.how),
                    )


def _venue(symbol: str, quantity: Decimal, price: Decimal, executed_at: datetime) -> VenueOrder:
    name = f"settled-{symbol}-{uuid7()}"
    return VenueOrder(
        broker_order_id=name,
        status=OrderStatus.FILLED,
        symbol=symbol,
        side=Side.BUY if quantity > 0 else Side.SELL,
        quantity=abs(quantity),
        executions=(Execution(name, abs(quantity), price, ZERO, executed_at),),
    )


def ended_text(terms: ContractTerms, how: str) -> str:
    """Return in words how a contract ended."""
    if how == EXPIRED:
        return f"{terms.symbol} expired worthless."
    if how == SETTLED:
        return f"{terms.symbol} was paid out at its expiry."
    strike = f"{terms.strike.normalize():f}"
    return f"{terms.symbol} was {how}: shares were delivered at {strike}."


def parts_of(account_id: UUID, symbol: str, units: Decimal) -> list[tuple[UUID | None, Decimal]]:
    """Return whose of an account's contracts so many are: of deployments by their fills first.

    Those of one side only; what no deployment has is the owner's, without one.
    """
    rows = Fill.objects.filter(account_id=account_id, order__symbol=symbol)
    has = dict(rows.values_list("order__deployment_id").annotate(units=UNITS))
    parts: list[tuple[UUID | None, Decimal]] = []
    left = units
    for deployment_id in sorted(filter(None, has)):
        if has[deployment_id] * left > 0:
            part = min(abs(has[deployment_id]), abs(left)) * (1 if left > 0 else -1)
            parts.append((deployment_id, part))
            left -= part
    return [*parts, (None, left)] if left else parts
