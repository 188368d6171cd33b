"""What decides on options besides the bars: their market, and the orders that wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType
from brokers.deployments.contracts import contracts_listed, lists_contracts
from brokers.deployments.gathering import Dossier
from brokers.deployments.naming import purpose_of
from brokers.deployments.option_decision import LegOrder, OptionMarket, decide_with_options
from brokers.deployments.reading import View, plan_of
from brokers.deployments.wanted import Decision, Role
from brokers.models import Deployment, Order
from core.engine.option_rules import Right
from core.errors import InvalidInput
from core.options.config import OptionsConfig
from core.options.contract import Contract, contract_parse, contract_symbol
from core.options.expiries import ExpiryCalendar
from core.options.left import left_by_clock
from core.sessions.timeframe import timeframe_parse
from market.bar_times import ts_of
from market.calendars import sessions_for
from market.contracts import EPOCH
from market.intervals import interval_get
from market.models import Instrument


def options_config(deployment: Deployment, instrument: Instrument) -> OptionsConfig:
    """Return by what the options of a deployment are priced and margined; as of its backtest."""
    given = deployment.config.get("options", {})
    if not isinstance(given, Mapping):
        raise InvalidInput(f"options must be an object, found {given!r}.")
    return OptionsConfig.from_mapping({"multiplier": int(instrument.contract_size), **given})


def options_check(deployment: Deployment, instrument: Instrument) -> None:
    """Refuse what is wrong about a deployment's options: their terms, or that there are none.

    Raises
    ------
    InvalidInput
        With every fault of the terms under ``config.options``; where option rules meet an account
        without options, or bars longer than a day.
    """
    try:
        options_config(deployment, instrument)
    except InvalidInput as error:
        faults = [
            replace(one, path=f"config.options.{one.path}".rstrip(".")) for one in error.details
        ]
        raise InvalidInput(error.message, details=faults) from error
    if not plan_of(deployment).program.option_rules:
        return
    adapter = ADAPTERS.get(deployment.account.kind)
    if AssetType.OPTION not in adapter.capabilities.asset_types:
        raise InvalidInput(
            f"This strategy trades options, and {adapter.title} has none.",
            code="options_unsupported",
        )
    if contract_parse(contract_symbol(Contract(Right.CALL, 1.0, 0), deployment.symbol)) is None:
        raise InvalidInput(
            f"There is no symbol for contracts on {deployment.symbol}.", code="options_unsupported"
        )
    interval = interval_get(deployment.interval)
    if not interval.intraday and interval != "1d":
        raise InvalidInput(
            "Options are traded on bars of a day or less: they expire on days.",
            code="interval_too_long",
        )


def options_decide(
    dossier: Dossier, view: View, *, first_ts: int, skipped: Iterable[int]
) -> Decision:
    """Return what holds after the last bar, options included."""
    return decide_with_options(
        view.bars,
        view.columns,
        view.program,
        view.config,
        market=option_market(dossier.deployment, view),
        sessions=view.sessions,
        book=dossier.book.rows,
        orders=leg_orders(dossier.orders),
        first_ts=first_ts,
        skipped=skipped,
    )


def option_market(deployment: Deployment, view: View) -> OptionMarket:
    """Return the options there are on what is traded: the venue's, else those of a backtest."""
    bars, instrument = view.bars, view.instrument
    config = options_config(deployment, instrument)
    around = {"first_ts": int(bars.ts[0]), "last_ts": int(bars.ts[-1])}
    sessions = sessions_for(instrument, **around)
    left = left_by_clock(bars.ts, sessions, timeframe_parse(str(view.interval)))
    listing: ExpiryCalendar | None = ExpiryCalendar(sessions.dates, listed=config.listed)
    symbols: Mapping[Contract, str] = {}
    if lists_contracts(deployment):
        day = EPOCH + timedelta(days=int(view.sessions[-1]))
        listed = contracts_listed(deployment, day=day)
        listing = None
        if listed is not None:
            series = listed.series(config.multiplier, sessions.dates)
            symbols, listing = series.symbols, series.calendar
    return OptionMarket(
        underlying=instrument.symbol,
        config=config,
        days=sessions.dates,
        left=left,
        listing=listing,
        symbols=symbols,
        staged=ADAPTERS.get(deployment.account.kind).capabilities.remote,
    )


def leg_orders(orders: Sequence[Order]) -> list[LegOrder]:
    """Return the orders in contracts among those that are not at their end."""
    found = []
    for order in orders:
        if order.asset_type == AssetType.OPTION and not order.external and order.bar_ts:
            purpose = purpose_of(order.node)
            opened = purpose.position_s * 10**9 or ts_of(order.bar_ts)
            opens = purpose.role == Role.OPEN
            found.append(LegOrder(purpose.rule, opened, order.symbol, opens))
    return found
