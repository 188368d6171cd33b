"""From what a user asks for to a queued run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from core.backtests.announce import run_announce
from core.backtests.choices import RunStatus
from core.backtests.detail import Detailed, details_read, pins_of
from core.backtests.listing import Listing, instruments_read, listing_read
from core.backtests.models import BacktestRun
from core.backtests.plans import plan_get
from core.backtests.portfolio import instrument_check
from core.backtests.sending import lost_at, message_send
from core.backtests.settings import RunSettings, adjustment_asked
from core.engine.portfolio import sharing_check
from core.errors import Detail, InvalidInput, NotFound, faults_within
from market.choices import QualityPolicy
from market.reports import bars_check
from market.selectors import universe_symbols
from strategies.graph.plan import Plan
from strategies.models import Strategy, StrategyVersion
from strategies.selectors import strategy_get, strategy_of_template
from strategies.services.version import version_pin

CAPITAL_AT_MOST: Final = 1e12


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run, in the words of the user.

    Attributes
    ----------
    strategy : UUID or str
        A strategy's id, or the name of a template.
    version : int or None
        A published version; None pins the draft as it is now.
    symbols : tuple of str
        One instrument, or those of a portfolio.
    universe : str
        Name or id of a list of instruments, in place of `symbols`.
    start, end : date or datetime
        Days mean whole sessions, the end included.
    capital : float or None
        Initial cash; None takes `config["cash"]`.
    config : Mapping
        As `core.backtests.settings.RunSettings.from_mapping` reads it.
    """

    strategy: UUID | str
    symbols: tuple[str, ...]
    start: date | datetime
    end: date | datetime
    interval: str = "1d"
    capital: float | None = None
    version: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    tags: tuple[str, ...] = ()
    universe: str = ""


def run_create(*, owner_id: UUID, request: RunRequest, content_key: str = "") -> BacktestRun:
    """Write a queued run that pins its strategy version, and send it to a worker.

    Everything that can be known to be wrong before any work is done is told here, so that it is
    an answer and not a failed run.

    Raises
    ------
    InvalidInput
        An unknown instrument or strategy, a range without data, a bad configuration, a graph that
        cannot run; the message says how to fix it.
    """
    start, end, whole_days = _range(request)
    upto = end.date() if whole_days else end
    stored = instruments_read(
        symbols=_symbols(owner_id, request),
        interval=request.interval,
        start=start.date() if whole_days else start,
        end=upto,
        adjustment=adjustment_asked(request.config),
        owner_id=owner_id,
    )
    settings = _settings(request, lot_sizes={float(one.instrument.lot_size) for one in stored})
    with transaction.atomic():
        strategy, version = _pin(owner_id, request)
        plan = plan_get(
            graph_hash=version.graph_hash,
            graph=version.graph,
            parameters=request.parameters,
            interval=str(stored[0].interval),
        )
        listing = listing_read(stored=stored, plan=plan, end=upto, owner_id=owner_id)
        _listing_check(listing, plan, settings)
        inside = details_read(
            stored=stored,
            interval=settings.detail_interval,
            start=start.date() if whole_days else start,
            end=upto,
            owner_id=owner_id,
        )
        run = BacktestRun.objects.create(
            owner_id=owner_id,
            strategy=strategy,
            strategy_version=version,
            **_instrument_columns(listing, request, inside),
            interval=str(stored[0].interval),
            start=start,
            end=end,
            whole_days=whole_days,
            capital=settings.engine.cash,
            parameters=dict(request.parameters),
            config=settings.as_dict(with_options=bool(plan.program.option_rules)),
            name=request.name,
            tags=list(request.tags),
            content_key=content_key,
            resend_at=lost_at(messages=1),
        )
        message_send(run_id=run.id)
        run_announce(run=run, status=RunStatus.QUEUED)
    return run


def _symbols(owner_id: UUID, request: RunRequest) -> Sequence[str]:
    """Return what is to be run on: the symbols, or those of the universe."""
    if not request.universe:
        return request.symbols
    try:
        return universe_symbols(owner_id=owner_id, name_or_id=request.universe)
    except NotFound as error:
        detail = Detail("universe", "unknown", error.message, received=request.universe)
        raise InvalidInput(error.message, code="unknown_universe", details=[detail]) from error


def _listing_check(listing: Listing, plan: Plan, settings: RunSettings) -> None:
    """Refuse instruments on which the strategy cannot run, or that cannot share an account."""
    if len(listing.instruments) > 1:
        with faults_within("config"):
            sharing_check([one.symbol for one in listing.instruments], settings.engine)
    if plan.program.option_rules:
        settings.plain_check("Strategies that trade options")
    for one in listing.instruments:
        instrument_check(plan, one, named=len(listing.instruments) > 1)
    if settings.quality is QualityPolicy.REFUSE:
        for stored in listing.stored:
            bars_check(stored=stored, policy=settings.quality)


def _instrument_columns(
    listing: Listing, request: RunRequest, inside: Iterable[Detailed]
) -> dict[str, Any]:
    """Return the columns of a run that say what it runs on."""
    symbols = [one.symbol for one in listing.instruments]
    named = {"symbols": symbols, "universe": request.universe}
    snapshot, others = listing.pins
    return {
        **(named if len(symbols) > 1 else {"symbol": symbols[0]}),
        "snapshot": snapshot,
        "other_snapshots": others | pins_of(inside),
    }


def _pin(owner_id: UUID, request: RunRequest) -> tuple[Strategy, StrategyVersion]:
    strategy = _strategy(owner_id, request.strategy)
    return strategy, version_pin(strategy=strategy, number=request.version)


def _strategy(owner_id: UUID, named: UUID | str) -> Strategy:
    """Return the strategy by id, else the one of the template; another user's is unknown."""
    identifier = _uuid(named)
    if identifier is None:
        return strategy_of_template(owner_id, str(named))
    try:
        return strategy_get(owner_id, identifier)
    except NotFound as error:
        detail = Detail("strategy", "unknown", error.message, received=str(named))
        raise InvalidInput(error.message, code="unknown_strategy", details=[detail]) from error


def _uuid(named: UUID | str) -> UUID | None:
    if isinstance(named, UUID):
        return named
    try:
        return UUID(named)
    except ValueError:
        return None


def _range(request: RunRequest) -> tuple[datetime, datetime, bool]:
    """Return the range as times, and whether both ends are days."""
    whole_days = not isinstance(request.start, datetime) and not isinstance(request.end, datetime)
    start = _moment(request.start, time.min)
    # The end of a range in days is stored as its last day, not as that day's last moment.
    end = _moment(request.end, time.min if whole_days else time.max)
    if end < start or (end == start and not whole_days):
        message = (
            f"The end ({request.end.isoformat()}) must be after the start "
            f"({request.start.isoformat()}): swap them or choose a later end."
        )
        raise InvalidInput(
            message, details=[Detail("end", "out_of_order", message, received=str(request.end))]
        )
    return start, end, whole_days


def _moment(value: date | datetime, of_day: time) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.combine(value, of_day, tzinfo=UTC)


def _settings(request: RunRequest, *, lot_sizes: set[float]) -> RunSettings:
    """Return the configuration with the capital and the instruments' lots in it."""
    mapping = dict(request.config)
    whole = mapping.get("profile") != "reference" and not mapping.get("fractional")
    if whole and "lot_size" not in mapping and lot_sizes != {1.0}:
        if len(lot_sizes) > 1:
            sizes = ", ".join(f"{size:g}" for size in sorted(lot_sizes))
            message = (
                f"The instruments trade in lots of {sizes}: set config.lot_size, or "
                "config.fractional, for all of them."
            )
            raise InvalidInput(message, details=[Detail("config.lot_size", "required", message)])
        mapping["lot_size"] = lot_sizes.pop()
    if request.capital is not None:
        cash = mapping.setdefault("cash", request.capital)
        if cash != request.capital:
            message = (
                f"capital is {request.capital:g} and config.cash is {cash!r}: they mean the same, "
                "send one of them."
            )
            raise InvalidInput(message, details=[Detail("config.cash", "conflict", message)])
    with faults_within("config"):
        settings = RunSettings.from_mapping(mapping)
    config = settings.engine
    if not (math.isfinite(config.cash) and 0 < config.cash <= CAPITAL_AT_MOST):
        message = f"The capital must be above 0 and at most {CAPITAL_AT_MOST:,.0f}: change it."
        raise InvalidInput(
            message, details=[Detail("capital", "out_of_range", message, received=config.cash)]
        )
    return settings
