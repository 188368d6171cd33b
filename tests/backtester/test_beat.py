"""What runs on a schedule runs by the clock, and keeps clear of the closing of bars."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from celery import current_app
from celery.beat import Scheduler

from backtester.beat import DAY, HOUR, MINUTE, SCHEDULE
from backtester.clocked import Clocked

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def seconds(value):
    return NOON + timedelta(seconds=value)


@pytest.mark.parametrize(
    ("last", "now", "due", "left"),
    [
        (-4.0, 4.0, False, 1.25),
        (-4.0, 5.25, True, 10.0),
        (-4.0, 9.0, True, 6.25),
        (5.3, 9.0, False, 6.25),
        (5.3, 15.5, True, 9.75),
        (5.3, 99.0, True, 6.25),
    ],
)
def test_it_is_due_at_places_of_the_clock(last, now, due, left):
    schedule = Clocked(10, 5.25)
    schedule.nowfun = lambda: seconds(now)
    found = schedule.is_due(seconds(last))
    assert (found.is_due, found.next) == (due, pytest.approx(left))


def test_what_runs_once_a_day_runs_though_beat_began_an_hour_ago():
    schedule = Clocked(DAY, 3 * HOUR)
    schedule.nowfun = lambda: datetime(2026, 1, 5, 3, 0, 1, tzinfo=UTC)
    assert schedule.is_due(datetime(2026, 1, 5, 2, tzinfo=UTC)).is_due
    assert not schedule.is_due(datetime(2026, 1, 5, 3, 0, 0, 500, tzinfo=UTC)).is_due


def test_celery_finds_what_is_due_by_it():
    schedule = Clocked(10, 5.25)
    moment = seconds(4)
    schedule.nowfun = lambda: moment
    entry = {"task": "core.outbox.relay", "schedule": schedule}
    beat = Scheduler(current_app, schedule={"one": entry}, lazy=True)
    beat.update_from_dict({"one": entry})
    (found,) = (each for each in beat.schedule.values() if each.name == "one")
    assert not found.is_due().is_due
    moment = seconds(5.25)
    assert found.is_due().is_due
    moment = seconds(6)
    assert not next(found).is_due().is_due


def test_copies_are_the_same():
    schedule = Clocked(10, 5.25)
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert schedule != Clocked(10, 5.5)
    assert len({schedule, Clocked(10, 5.25)}) == 1


def places(schedule):
    """Return when it runs within an hour, in seconds."""
    count = max(1, int(HOUR // schedule.every_s))
    return {(schedule.at_s + number * schedule.every_s) % HOUR for number in range(count)}


def test_only_what_brings_bars_and_follows_deployments_runs_while_bars_come():
    for name, entry in SCHEDULE.items():
        if not entry["task"].startswith(("brokers.deployments_", "market.watch")):
            assert min(place % MINUTE for place in places(entry["schedule"])) >= 3, name


def test_tasks_are_not_due_at_the_same_moment():
    entries = [each for each in SCHEDULE.values() if each["schedule"].every_s > 1]
    for one, other in combinations(entries, 2):
        apart = min(
            abs(first - second)
            for first in places(one["schedule"])
            for second in places(other["schedule"])
        )
        same = one["task"] == other["task"]  # of two queues
        assert apart >= 0.25 or same, (one, other)
