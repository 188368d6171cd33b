"""Scoping: on which bars each node is computed.

A time frame or an instrument that a node names holds for the node and for all that feeds it, as
far as that names none of its own. So "close -> ema of 1h" is the average of hourly closes, and a
node that feeds two time frames is computed in both. What a node gets from another scope is the
value of the last bar that is over there.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.sessions.timeframe import timeframe_parse
from strategies.graph.catalogue.bound import BoundNode
from strategies.graph.catalogue.forms import SeriesForm
from strategies.graph.faults import BadValueError, Faults
from strategies.graph.limits import MAX_SCOPES
from strategies.graph.scope import RUN, Scope
from strategies.graph.timeframes import timeframe_canonical

_LONGEST_INTRADAY_S = 86_400


def scopes_assign(nodes: Sequence[BoundNode], interval: str | None, faults: Faults) -> str | None:
    """Note in each node on which bars it is computed, by the bars of those who read it.

    Parameters
    ----------
    nodes : sequence of BoundNode
        Wired, each after those that feed it.
    interval : str or None
        Time frame of the run, if it is known.
    faults : Faults
        Where time frames are noted that cannot be had, or not there.

    Returns
    -------
    str or None
        The time frame of the run in its one spelling.
    """
    run = timeframe_canonical(interval) if interval else None
    sound = [_named_check(node, run, faults) for node in nodes]
    if not all(sound):
        return run
    found = {RUN}
    for node in reversed(nodes):
        own = list(dict.fromkeys(node.scopes.values()))
        if node.coded or not isinstance(node.form, SeriesForm):
            own = [RUN]
        found.update(own)
        for scope in own:
            _feeders_assign(node, scope, run, faults)
    if len(found) > MAX_SCOPES:
        faults.add(
            "nodes",
            "too_many_timeframes",
            f"The nodes are computed on {len(found)} combinations of instrument and time frame, "
            f"but at most {MAX_SCOPES} are allowed.",
            expected=MAX_SCOPES,
            received=len(found),
        )
    return run


def timeframe_check(timeframe: str, run: str | None) -> None:
    """Refuse a time frame that does not exist or cannot be made of the run's bars.

    Raises
    ------
    BadValueError
        Saying why.
    """
    wanted = timeframe_parse(timeframe)
    if wanted.intraday and wanted.seconds > _LONGEST_INTRADAY_S:
        raise BadValueError(
            "out_of_range",
            f"The time frame {timeframe!r} is longer than a day: use days such as '2d', '1w' or "
            "'1mo', which are made of sessions.",
            expected="at most 24h, or days, weeks or months",
            received=timeframe,
        )
    if run is None or timeframe == run:
        return
    have = timeframe_parse(run)
    if wanted.seconds < have.seconds:
        raise BadValueError(
            "timeframe_below_run",
            f"The time frame {timeframe!r} is shorter than the run's bars of {run!r}, which do not "
            f"say what happened inside them: run on {timeframe!r}, or name a longer one.",
            expected=f"{run} or longer",
            received=timeframe,
        )
    if not have.divides(wanted):
        raise BadValueError(
            "timeframe_not_multiple",
            f"Bars of {run!r} cannot be put together to bars of {timeframe!r}: name a multiple, "
            "or run on shorter bars.",
            expected=f"a multiple of {run}",
            received=timeframe,
        )


def _named_check(node: BoundNode, run: str | None, faults: Faults) -> bool:
    if node.timeframe is None:
        return True
    try:
        timeframe_check(node.timeframe, run)
    except BadValueError as bad:
        faults.at(f"nodes[{node.index}]", node.id).add_bad_value("params.timeframe", bad)
        return False
    return True


def _feeders_assign(node: BoundNode, scope: Scope, run: str | None, faults: Faults) -> None:
    """Note in the nodes that feed a node which scope they are read from, and so are in."""
    for wire in (wire for wires in node.inputs.values() for wire in wires):
        source = wire.node
        if source.timeframe is None and source.symbol is None:
            source.scopes[scope] = scope
            continue
        timeframe = source.timeframe or scope.timeframe
        if source.timeframe and scope.timeframe and _shorter(source.timeframe, scope.timeframe):
            faults.at(f"nodes[{source.index}]", source.id).add(
                "params.timeframe",
                "timeframe_below_consumer",
                f"{source.id!r} is of {source.timeframe!r}, but feeds {node.id!r}, which is "
                f"computed on longer bars of {scope.timeframe!r}: leave its time frame out to "
                "compute it on those too, or name one that is as long.",
                expected=f"{scope.timeframe} or longer",
                received=source.timeframe,
            )
        symbol = source.symbol or scope.symbol
        source.scopes[scope] = Scope(symbol, None if timeframe == run else timeframe)


def _shorter(one: str, other: str) -> bool:
    return timeframe_parse(one).seconds < timeframe_parse(other).seconds
