"""What short contracts tie up of a paper account's money: the rule of the backtests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from brokers.paper.terms import Terms
from brokers.quotes import Quotes
from core.errors import InvalidInput
from core.options.account_margin import HeldContract, account_margin
from market.calendars import bar_closes_at
from market.contract_prices import ModelMarket
from market.contracts import ContractTerms, contract_terms
from market.intervals import interval_get
from market.selectors import LatestPrice

ZERO = Decimal(0)


class Ties:
    """What an account's contracts tie up, each underlying at its last price."""

    def __init__(self, owner_id: UUID, terms: Terms, quotes: Quotes, *, now: datetime) -> None:
        self._owner_id = owner_id
        self._terms = terms
        self._quotes = quotes
        self._now = now

    def __call__(self, held: Mapping[str, Decimal]) -> Decimal:
        """Return the money tied up, with so many units by symbol; infinite where that may not be.

        A contract without a model's price counts with what exercising it is worth.
        """
        contracts: dict[str, list[tuple[ContractTerms, Decimal]]] = {}
        for symbol, units in held.items():
            if units and (terms := contract_terms(symbol)) is not None:
                contracts.setdefault(terms.underlying, []).append((terms, units))
        return sum(
            (
                self._tied(underlying, rows, held.get(underlying, ZERO))
                for underlying, rows in contracts.items()
                if any(units < 0 for _, units in rows)
            ),
            ZERO,
        )

    def _tied(
        self, underlying: str, rows: list[tuple[ContractTerms, Decimal]], shares: Decimal
    ) -> Decimal:
        config = self._terms.options
        market = self._quotes.market(underlying, self._owner_id, config)
        latest = self._quotes.get(underlying, self._owner_id)
        spot = latest.price if latest else rows[0][0].strike
        at = market_time(market, latest, self._terms, now=self._now)
        legs = [
            HeldContract(terms.contract, float(units), _worth(market, terms, spot, at))
            for terms, units in rows
        ]
        tied = account_margin(
            legs,
            shares=float(shares),
            spot=float(spot),
            multiplier=float(market.underlying.contract_size),
            config=config,
        )
        return Decimal(repr(tied))


def market_time(
    market: ModelMarket, latest: LatestPrice | None, terms: Terms, *, now: datetime
) -> datetime:
    """Return when it is for contracts of an account: where history is replayed, as the bars say."""
    if latest is None or not terms.replays:
        return now
    return bar_closes_at(
        int(latest.ts.timestamp()) * 10**9,
        instrument=market.underlying,
        interval=interval_get(latest.interval),
    )


def _worth(market: ModelMarket, terms: ContractTerms, spot: Decimal, at: datetime) -> float:
    try:
        return float(market.quote(terms, spot=spot, at=at).mid)
    except InvalidInput:
        return float(max(terms.inside(spot), ZERO))
