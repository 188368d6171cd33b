"""Time frames, other instruments and the clock in a graph: by hand, and against pandas."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.engine.bars import Bars
from core.errors import InvalidInput
from core.sessions.buckets import bar_ends
from core.sessions.timeframe import timeframe_parse
from market.calendars import sessions_for
from strategies.graph.context import Context
from strategies.graph.evaluate import plan_evaluate
from strategies.graph.schema import graph_parse
from strategies.graph.validate import graph_faults
from tests.strategies.graph.conftest import Drawing

NEW_YORK = "America/New_York"
MINUTE = 60 * 10**9
DAY = 1_440 * MINUTE
NAN = np.nan


def ns(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9


def bars_at(ts: np.ndarray, close: np.ndarray | None = None) -> Bars:
    close = np.arange(1.0, len(ts) + 1) if close is None else np.asarray(close, dtype=np.float64)
    ones = np.ones(len(ts))
    return Bars.from_arrays(
        ts=ts, open=close, high=close * 1.5, low=close * 0.5, close=close, volume=ones
    )


def spaced(first: str, count: int, minutes: int, zone: str = "UTC") -> np.ndarray:
    return ns(first, zone) + np.arange(count, dtype=np.int64) * minutes * MINUTE


def sessions_of(name: str, bars: Bars):
    return sessions_for(name, first_ts=int(bars.ts[0]), last_ts=int(bars.ts[-1]))


def drawn(params: dict, **options) -> Drawing:
    """The close through an indicator or a price into a rule that never stops it."""
    drawing = Drawing()
    drawing.add("close", "price", options.get("close"))
    if params.get("name"):
        drawing.add("node", "indicator", params, source="close")
    else:
        drawing.add("node", "price", params)
    drawing.add(
        "rule", "condition", {"operator": "gt", "right": options.get("right", 0)}, left="node"
    )
    return drawing.add("enter", "entry", {}, when="rule")


def shown(drawing: Drawing, bars: Bars, **context) -> np.ndarray:
    """The only line that a chart of the drawing shows."""
    evaluation = plan_evaluate(drawing.compile(), bars, context=Context(**context))
    (line,) = [*evaluation.overlays.values(), *evaluation.panels.values()]
    return line


def codes(drawing: Drawing, **options) -> dict[str, str]:
    found, _ = graph_faults(graph_parse(drawing.document), **options)
    return {fault.path: fault.code for fault in found}


def test_an_hours_value_is_seen_only_once_the_hour_is_over():
    # Closes are 1, 2, 3, …: the hours close at 12, 24, 36; SMA 2 of them is 18 and 30.
    bars = bars_at(spaced("2024-07-01T09:30", 40, 5, NEW_YORK))
    line = shown(
        drawn({"name": "sma", "period": 2, "timeframe": "1h"}),
        bars,
        interval="5m",
        sessions=sessions_of("XNYS", bars),
    )
    # The bar of 11:25 (place 23) ends with the second hour.
    np.testing.assert_array_equal(line, [NAN] * 23 + [18.0] * 12 + [30.0] * 5)


def test_decisions_wait_for_the_hours_in_bars_of_the_run():
    bars = bars_at(spaced("2024-07-01T09:30", 40, 5, NEW_YORK))
    plan = drawn({"name": "sma", "period": 2, "timeframe": "1h"}).compile(interval="5m")
    context = Context(interval="5m", sessions=sessions_of("XNYS", bars))
    evaluation = plan_evaluate(plan, bars, context=context)
    assert evaluation.program.warmup == 23
    np.testing.assert_array_equal(evaluation.columns[0], np.arange(40) >= 23)
    strict = plan_evaluate(plan, bars, context=context, strict_cross=True)
    assert strict.program.warmup == 24
    # At least so many: a bar of an hour may have but one bar.
    assert (plan.lookback, plan.timeframe, plan.timeframes) == (1, "5m", ("1h",))


def test_what_suffices_by_the_clock_runs_and_what_does_not_names_the_node():
    bars = bars_at(spaced("2024-07-01T09:30", 24, 5, NEW_YORK))
    drawing = drawn({"name": "sma", "period": 2, "timeframe": "1h"})
    sessions = sessions_of("XNYS", bars)
    assert shown(drawing, bars, sessions=sessions)[23] == 18.0
    with pytest.raises(InvalidInput, match="needs 2 bars of 1h") as caught:
        shown(drawing, bars.slice(0, 23), sessions=sessions)
    (fault,) = caught.value.details
    assert caught.value.code == fault.code == "warmup_exceeds_data"
    assert (fault.expected, fault.received, fault.node_id) == (2, 1, "node")


def test_lookback_after_a_longer_time_frame_counts_the_runs_bars():
    drawing = Drawing()
    drawing.add("hourly", "price", {"timeframe": "1h"})
    drawing.add("mean", "indicator", {"name": "sma", "period": 5}, source="hourly")
    drawing.add("rule", "condition", {"operator": "gt", "right": 0}, left="mean")
    drawing.add("enter", "entry", {}, when="rule")
    bars = bars_at(spaced("2024-07-01T00:00", 20, 15))
    evaluation = plan_evaluate(drawing.compile(), bars)
    # The first hour closes with bar 3; five bars know it at bar 7.
    assert evaluation.program.warmup == 7
    # Labels say whose values are averaged; hours close at 4, 8, 12.
    np.testing.assert_allclose(
        evaluation.overlays["sma(5,close 1h)"][7:13],
        [(4 * 4 + 8) / 5, (3 * 4 + 2 * 8) / 5, 5.6 + 0.8, 7.2, (3 * 8 + 0) / 3 + 0.8, 9.6],
    )
    with pytest.raises(InvalidInput) as caught:
        plan_evaluate(drawing.compile(), bars.slice(0, 7))
    assert (caught.value.details[0].node_id, caught.value.details[0].expected) == ("mean", 8)


def test_a_node_and_all_that_feeds_it_are_computed_on_its_time_frame():
    drawing = Drawing()
    drawing.add("close", "price")
    drawing.add("change", "math", {"operation": "percent_change", "n": 1}, source="close")
    drawing.add(
        "hourly", "indicator", {"name": "sma", "period": 2, "timeframe": "1h"}, source="change"
    )
    drawing.add("both", "math", {"operation": "subtract"}, left="hourly", right="change")
    drawing.add("rule", "condition", {"operator": "gt", "right": -9}, left="both")
    drawing.add("enter", "entry", {}, when="rule")
    bars = bars_at(spaced("2024-07-01T00:00", 16, 15))
    plan = drawing.compile()
    evaluation = plan_evaluate(plan, bars)
    hours = np.array([4.0, 8.0, 12.0, 16.0])
    changes = hours[1:] / hours[:-1] - 1
    expected = np.repeat([NAN, NAN, changes[:2].mean(), changes[1:].mean()], [3, 8, 4, 1])
    np.testing.assert_allclose(evaluation.panels["sma(2,percent_change) 1h"], expected)
    # "change" is computed in both, the close too, and nothing twice in one.
    scopes = sorted((step.node_id, str(step.scope)) for step in plan.steps)
    assert scopes == [
        ("both", ""),
        ("change", ""),
        ("change", "1h"),
        ("close", ""),
        ("close", "1h"),
        ("hourly", ""),
        ("hourly", "1h"),
        ("rule", ""),
        ("rule", ""),
    ]


def test_equal_parts_are_computed_once_a_time_frame():
    drawing = Drawing()
    for name in ("one", "other"):
        drawing.add(name, "indicator", {"name": "atr", "period": 2, "timeframe": "1h"})
        drawing.add(f"{name}_up", "condition", {"operator": "gt", "right": 1}, left=name)
    drawing.add("all", "logic", {"operator": "and"}, in_1="one_up", in_2="other_up")
    drawing.add("enter", "entry", {}, when="all")
    plan = drawing.compile()
    # high, low, close, atr, carry, constant, comparison, and.
    assert len(plan.steps) == 8


def test_a_time_frame_that_is_the_runs_own_changes_nothing():
    bars = bars_at(spaced("2024-07-01T00:00", 40, 60))
    plain = drawn({"name": "ema", "period": 5})
    named = drawn({"name": "ema", "period": 5, "timeframe": "60 minutes"})
    np.testing.assert_array_equal(shown(plain, bars), shown(named, bars))
    assert named.compile(interval="1h").program.columns == plain.compile().program.columns
    assert named.compile(interval="1h").timeframes == ()


def test_a_plan_runs_on_the_interval_that_it_was_compiled_for():
    bars = bars_at(spaced("2024-07-01T00:00", 40, 60))
    plan = drawn({"name": "ema", "period": 5, "timeframe": "1h"}).compile(interval="1h")
    assert plan_evaluate(plan, bars, context=Context(interval="60m")).columns
    with pytest.raises(ValueError, match="compiled for 1h, but the bars are of 5m"):
        plan_evaluate(plan, bars, context=Context(interval="5m"))


def test_a_daily_crossing_is_seen_at_one_bar_of_the_run_only():
    drawing = Drawing()
    drawing.add("close", "price", {"timeframe": "1d"})
    drawing.add("mean", "indicator", {"name": "sma", "period": 2, "timeframe": "1d"})
    drawing.add("own", "price")
    drawing.edges.append({"source": "own", "target": "mean", "target_port": "source"})
    drawing.add("up", "condition", {"operator": "crosses_above"}, left="close", right="mean")
    drawing.add("enter", "entry", {}, when="up")
    ts = spaced("2024-07-01T00:00", 5 * 4, 360)
    closes = np.repeat([5.0, 4.0, 3.0, 6.0, 7.0], 4)
    (column,) = plan_evaluate(drawing.compile(), bars_at(ts, closes)).columns
    assert np.flatnonzero(column).tolist() == [15]


@pytest.mark.parametrize(
    ("params", "interval", "code"),
    [
        ({"timeframe": "1m"}, "5m", "timeframe_below_run"),
        ({"timeframe": "7m"}, "5m", "timeframe_not_multiple"),
        ({"timeframe": "1h"}, "1d", "timeframe_below_run"),
        ({"timeframe": "1mo"}, "1w", "timeframe_not_multiple"),
        ({"timeframe": "48h"}, None, "out_of_range"),
    ],
)
def test_a_time_frame_that_cannot_be_made_is_an_error(params, interval, code):
    drawing = drawn({"name": "ema"} | params)
    assert codes(drawing, interval=interval) == {"nodes[1].params.timeframe": code}
    if interval in {"5m", "1d"}:
        step = {"5m": 5, "1d": 1_440}[interval]
        with pytest.raises(InvalidInput) as caught:
            shown(drawing, bars_at(spaced("2024-07-01T00:00", 99, step)))
        assert [(one.code, one.node_id) for one in caught.value.details] == [(code, "node")]


def test_a_shorter_time_frame_cannot_feed_a_longer_one():
    drawing = drawn({"name": "ema", "timeframe": "1h"}, close={"timeframe": "15m"})
    assert codes(drawing, interval="5m") == {
        "nodes[0].params.timeframe": "timeframe_below_consumer"
    }
    drawing.nodes[0]["params"]["timeframe"] = "1d"
    assert codes(drawing, interval="5m") == {}


def test_a_longer_time_frame_may_feed_a_shorter_one_above_the_run():
    drawing = drawn({"name": "sma", "period": 2, "timeframe": "1h"}, close={"timeframe": "1d"})
    bars = bars_at(spaced("2024-07-01T00:00", 4 * 24 * 3, 15))
    line = shown(drawing, bars)
    # The first day closes at 96; two hours know it from one hour into the second day on.
    assert np.isnan(line[:99]).all()
    assert line[99] == 96.0
    # At the end of the second day the last of two hours knows its close of 192.
    assert (line[190], line[191], line[195]) == (96.0, 144.0, 192.0)


def test_too_many_time_frames_are_refused():
    drawing = Drawing()
    names = [f"n{place}" for place in range(1, 21)]
    for place, name in enumerate(names, start=1):
        drawing.add(name, "price", {"timeframe": f"{place}h"})
        drawing.add(f"{name}_up", "condition", {"operator": "gt", "right": 1}, left=name)
    ports = {f"in_{place}": f"{name}_up" for place, name in enumerate(names, start=1)}
    drawing.add("all", "logic", {"operator": "and"}, **ports).add("enter", "entry", {}, when="all")
    assert codes(drawing) == {"nodes": "too_many_timeframes"}


def test_another_instrument_is_read_as_of_the_last_bar_that_is_over():
    bars = bars_at(spaced("2024-07-01T00:00", 6, 5))
    # No bar at 00:10 and 00:20, one before the run, and some after it.
    other = bars_at(ns("2024-07-01T00:00") + np.array([-5, 0, 5, 15, 25, 30, 35]) * MINUTE)
    drawing = drawn({"name": "sma", "period": 2, "symbol": " spy "})
    plan = drawing.compile()
    assert plan.symbols == ("SPY",)
    line = shown(drawing, bars, interval="5m", others={"SPY": other})
    assert line.tolist() == [1.5, 2.5, 2.5, 3.5, 3.5, 4.5]
    # It was known before the run began: nothing has to be waited for.
    context = Context(interval="5m", others={"SPY": other})
    assert plan_evaluate(plan, bars.slice(0, 1), context=context).program.warmup == 0


def test_an_instrument_without_bars_says_what_to_do():
    drawing = drawn({"name": "sma", "period": 2, "symbol": "SPY"})
    bars = bars_at(spaced("2024-07-01T00:00", 6, 5))
    with pytest.raises(InvalidInput, match="fetch them") as caught:
        shown(drawing, bars, interval="5m")
    (fault,) = caught.value.details
    assert (fault.code, fault.received, fault.node_id) == ("missing_symbol", "SPY", "node")
    empty = bars.slice(0, 0)
    with pytest.raises(InvalidInput, match="needs 1 bars of SPY"):
        shown(drawing, bars, interval="5m", others={"SPY": empty})


def test_the_runs_own_instrument_may_be_named():
    bars = bars_at(spaced("2024-07-01T00:00", 6, 5))
    line = shown(drawn({"name": "sma", "period": 2, "symbol": "qqq"}), bars, symbol="QQQ")
    np.testing.assert_array_equal(line, shown(drawn({"name": "sma", "period": 2}), bars))


def test_a_day_of_another_market_is_known_when_that_market_closes():
    days = np.arange(ns("2024-07-01T00:00"), ns("2024-07-06T00:00"), DAY)
    stocks, coins = bars_at(days), bars_at(days, [10.0, 20, 30, 40, 50])
    names = {"XNYS": sessions_of("XNYS", stocks), "24/7": sessions_of("24/7", stocks)}
    params = {"name": "max", "period": 2, "symbol": "BTC"}
    line = shown(
        drawn(params),
        stocks.slice(1, 3),
        interval="1d",
        sessions=names["XNYS"],
        others={"BTC": coins},
        other_sessions={"BTC": names["24/7"]},
    )
    # New York closes before the coin's day does: it knows the day before, and that has but one.
    np.testing.assert_array_equal(line, [NAN, 20])
    line = shown(
        drawn(params),
        coins.slice(1, 3),
        interval="1d",
        sessions=names["24/7"],
        others={"BTC": stocks},
        other_sessions={"BTC": names["XNYS"]},
    )
    np.testing.assert_array_equal(line, [2, 3])


def test_the_clock_of_the_exchange_decides():
    drawing = Drawing()
    drawing.add("clock", "time")
    drawing.add(
        "late", "condition", {"operator": "lte", "right": 30}, left="clock.minutes_to_close"
    )
    drawing.add("friday", "condition", {"operator": "eq", "right": 4}, left="clock.weekday")
    drawing.add("both", "logic", {"operator": "and"}, in_1="late", in_2="friday")
    drawing.add("enter", "entry", {}, when="both")
    ts = np.concatenate(
        [
            spaced("2023-11-22T09:30", 13, 30, NEW_YORK),
            spaced("2023-11-24T09:30", 7, 30, NEW_YORK),
            spaced("2023-11-27T09:30", 13, 30, NEW_YORK),
        ]
    )
    bars = bars_at(ts)
    plan = drawing.compile()
    context = Context(interval="30m", sessions=sessions_of("XNYS", bars))
    (column,) = plan_evaluate(plan, bars, context=context).columns
    assert np.flatnonzero(column).tolist() == [19]
    # Only what is read is computed.
    assert len(plan.steps) == 7


def test_indicators_are_fed_the_session_and_the_minute():
    drawing = Drawing()
    drawing.add("range", "indicator", {"name": "session_range"})
    drawing.add("rule", "condition", {"operator": "gt", "right": 0}, left="range.range")
    drawing.add("enter", "entry", {}, when="rule")
    bars = bars_at(spaced("2024-07-01T00:00", 96, 30))
    evaluation = plan_evaluate(drawing.compile(), bars)
    line = {**evaluation.overlays, **evaluation.panels}["session_range().range"]
    # Highs are 1.5 and lows 0.5 times the close, which rises: the range begins anew at midnight.
    np.testing.assert_allclose(line[[0, 47, 48, 95]], [1, 71.5, 49, 119.5])


def hourly_reference(bars: Bars, ends: np.ndarray, place: int, rule: str) -> list[float]:
    """Closes of the buckets that are over when a bar is, made of the bars that are over then."""
    known = pd.Series(bars.close[: place + 1], pd.to_datetime(bars.ts[: place + 1]))
    length = pd.Timedelta(rule).value
    return [
        float(part.iloc[-1])
        for begin, part in known.resample(rule, origin="start_day", closed="left", label="left")
        if len(part) and begin.value + length <= ends[place] and begin.value >= bars.ts[0]
    ]


@settings(max_examples=25, deadline=None)
@given(
    interval=st.sampled_from([5, 10, 15, 30]),
    rule=st.sampled_from([("30m", "30min"), ("1h", "1h"), ("4h", "4h"), ("1d", "1D")]),
    steps=st.lists(st.sampled_from([1, 1, 1, 1, 1, 2, 3, 17, 60]), min_size=12, max_size=60),
    first=st.integers(0, 300),
    data=st.data(),
)
def test_what_is_seen_is_what_pandas_makes_of_the_bars_known_by_then(
    interval, rule, steps, first, data
):
    offsets = (first + np.cumsum([0, *steps])) * interval * MINUTE
    ts = ns("2024-03-08T00:00") + offsets
    close = np.array(
        data.draw(st.lists(st.integers(1, 50), min_size=len(ts), max_size=len(ts))), dtype=float
    )
    bars = bars_at(ts, close)
    sessions = sessions_of("24/7", bars)
    ends = bar_ends(ts, sessions, timeframe_parse(f"{interval}m"))
    name, pandas_rule = rule
    drawing = drawn({"name": "sma", "period": 2, "timeframe": name})
    expected = np.full(len(ts), NAN)
    for place in range(len(ts)):
        closes = hourly_reference(bars, ends, place, pandas_rule)
        if len(closes) >= 2:
            expected[place] = (closes[-2] + closes[-1]) / 2
    context = {"interval": f"{interval}m", "sessions": sessions}
    if np.isnan(expected).all():
        with pytest.raises(InvalidInput, match="before its first decision"):
            shown(drawing, bars, **context)
        return
    np.testing.assert_array_equal(shown(drawing, bars, **context), expected)


@settings(max_examples=25, deadline=None)
@given(
    minutes=st.sampled_from([("30m", 30), ("1h", 60), ("2h", 120), ("1d", None), ("1w", None)]),
    missing=st.sets(st.integers(0, 200), max_size=120),
    start=st.integers(0, 30),
)
def test_sessions_of_an_exchange_are_grouped_as_an_obvious_loop_does(minutes, missing, start):
    """Two weeks with a holiday, a half day and, in between, clocks that change at the weekend."""
    probe = bars_at(spaced("2023-11-01T00:00", 2, 15))
    sessions = sessions_of("XNYS", probe)
    days = [f"2023-11-{day:02}" for day in (2, 3, 6, 7, 8, 9, 10, 21, 22, 24, 27)]
    ordinals = [int(np.datetime64(day).astype(np.int64)) for day in days]
    hours = [int(np.searchsorted(sessions.dates, day)) for day in ordinals]
    ts = np.concatenate(
        [np.arange(sessions.opens[at], sessions.closes[at], 15 * MINUTE) for at in hours]
    )[start:]
    ts = np.delete(ts, [place for place in missing if 0 < place < len(ts)])
    bars = bars_at(ts)
    name, length = minutes
    found = shown(
        drawn({"name": "max", "period": 2, "timeframe": name}),
        bars,
        interval="15m",
        sessions=sessions,
    )
    np.testing.assert_array_equal(found, loop_reference(ts, bars.close, sessions, length, name))


def loop_reference(ts, close, sessions, length, name) -> np.ndarray:
    """The greater of the last two bucket closes that are over at each bar's end."""
    rows = {}
    for moment, value in zip(ts.tolist(), close.tolist(), strict=True):
        at = int(np.searchsorted(sessions.opens, moment, side="right")) - 1
        opened, closed = int(sessions.opens[at]), int(sessions.closes[at])
        date = np.datetime64(int(sessions.dates[at]), "D").item()
        if length is not None:
            begin = opened + (moment - opened) // (length * MINUTE) * length * MINUTE
            end = min(begin + length * MINUTE, closed)
        else:
            week = [date] if name == "1d" else week_of(date, sessions)
            begin, end = (
                int(side[place_of(day, sessions)])
                for side, day in ((sessions.opens, week[0]), (sessions.closes, week[-1]))
            )
        rows[begin] = (end, value)
    whole = [(end, value) for begin, (end, value) in sorted(rows.items()) if begin >= ts[0]]
    expected = np.full(len(ts), NAN)
    for place, moment in enumerate(ts.tolist()):
        at = int(np.searchsorted(sessions.opens, moment, side="right")) - 1
        over = min(moment + 15 * MINUTE, int(sessions.closes[at]))
        values = [value for end, value in whole if end <= over]
        if len(values) >= 2:
            expected[place] = max(values[-2:])
    return expected


def week_of(date, sessions) -> list:
    dates = [np.datetime64(int(day), "D").item() for day in sessions.dates]
    return [one for one in dates if one.isocalendar()[:2] == date.isocalendar()[:2]]


def place_of(date, sessions) -> int:
    return int(np.searchsorted(sessions.dates, np.datetime64(date).astype(np.int64)))
