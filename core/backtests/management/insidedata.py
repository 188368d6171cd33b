"""Finer bars, splits and dividends of files, for runs without a database."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import CommandError

from core.backtests.corporate import split_warnings
from core.backtests.detail import detail_of
from core.backtests.files import BarFile, actions_file_read, bars_file_read
from core.backtests.management.filedata import FileData, symbol_and_path
from core.backtests.management.output import file_row
from core.backtests.settings import ADJUSTMENT, RunSettings
from core.engine.actions import Actions
from core.engine.detail import Detail
from core.sessions.sessions import Sessions
from core.sessions.timeframe import timeframe_parse
from market.calendars import sessions_for
from market.choices import Adjustment
from strategies.graph.timing import days_of_utc, interval_find


@dataclass(frozen=True, slots=True, eq=False)
class InsideData:
    """What files say of a run beside its bars.

    Attributes
    ----------
    detail : Detail or None
    actions : Actions or None
    warnings : list of dict
        `{"code", "message", "node_id"}`.
    provenance : dict
        What was read of which file.
    """

    detail: Detail | None = None
    actions: Actions | None = None
    warnings: list[dict[str, Any]] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)


def insidedata_arguments(parser: ArgumentParser) -> None:
    """Add the options that name these files."""
    parser.add_argument(
        "--detail",
        action="append",
        default=[],
        metavar="[SYMBOL=]FILE",
        help="finer bars of the same instrument, on which the order inside of bars is gone through",
    )
    parser.add_argument(
        "--actions",
        action="append",
        default=[],
        metavar="[SYMBOL=]FILE",
        help="CSV with the header ts,split,dividend: what is not in the prices of --bars",
    )


def insidedata_read(
    data: FileData, options: Mapping[str, Any], settings: RunSettings
) -> InsideData:
    """Read the files of `insidedata_arguments` for the bars of a run.

    Raises
    ------
    CommandError
        When the configuration asks for a file that is not given, or for another one.
    InvalidInput
        When a file cannot be read, or does not fit.
    """
    detail, actions = (_file_of(data, options, name) for name in ("detail", "actions"))
    if settings.detail_interval and not detail:
        raise CommandError(
            f"The configuration asks for {settings.detail_interval} bars inside of bars: name "
            f"their file with --detail{_of(data)}."
        )
    if settings.adjustment != Adjustment.ALL and not actions:
        raise CommandError(
            f"The configuration says that prices are adjusted by {settings.adjustment!r}: name the "
            f"file of what is not in them with --actions{_of(data)}, or leave {ADJUSTMENT} out."
        )
    found: dict[str, Any] = {}
    provenance: dict[str, Any] = {}
    bars = data.file.bars
    if detail:
        file = bars_file_read(detail)
        provenance["detail"] = file_row(file)
        found["detail"] = _detail(data, file, options["calendar"], settings)
    if actions:
        found["actions"] = actions_file_read(actions, bars)
        provenance["actions"] = {"file": str(actions)}
        symbol = data.context.symbol or "The instrument"
        found["warnings"] = split_warnings(symbol, bars.ts, found["actions"])
    return InsideData(**found, provenance=provenance)


def _file_of(data: FileData, options: Mapping[str, Any], name: str) -> str | None:
    """Return the file that an option names for an instrument; alone, it needs no symbol."""
    many = len(options["bars"]) > 1
    known = {symbol_and_path(given)[0] for given in options["bars"]}
    found = None
    for given in options[name]:
        symbol, path = symbol_and_path(given)
        if symbol not in known and (many or symbol):
            raise CommandError(
                f"--{name} {given}: write it as SYMBOL=FILE, with a symbol that --bars has."
            )
        if symbol in {None, data.context.symbol}:
            if found is not None:
                raise CommandError(f"--{name} {given}: there is another file for it, {found}.")
            found = path
    return found


def _of(data: FileData) -> str:
    """Return what says of which instrument a file is to be, where that has a name."""
    return f" {data.context.symbol}=FILE" if data.context.symbol else ""


def _detail(
    data: FileData, file: BarFile, calendar: str | None, settings: RunSettings
) -> Detail | None:
    bars, finer = data.file.bars, file.bars
    if not len(bars) or not len(finer):
        return None
    shown = interval_find(finer, settings.detail_interval)
    return detail_of(
        bars,
        finer,
        sessions=_sessions(data, file, calendar),
        interval=timeframe_parse(interval_find(bars, data.context.interval)),
        finer_interval=timeframe_parse(shown),
    )


def _sessions(data: FileData, file: BarFile, calendar: str | None) -> Sessions:
    both = (data.file.bars, file.bars)
    if not calendar:
        return days_of_utc(both)
    first, last = min(int(one.ts[0]) for one in both), max(int(one.ts[-1]) for one in both)
    return sessions_for(calendar, first_ts=first, last_ts=last)
