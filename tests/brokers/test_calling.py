"""A call that goes wrong in a way that nobody thought of costs no other order its outcome."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import pytest

from brokers import calling
from brokers.adapters.base import OutcomeUnknown, Refused, VenueOrder
from brokers.adapters.begin import begin
from brokers.calling import Sending, calls_make, outcomes_of
from brokers.choices import OrderStatus
from brokers.lease import LEASE
from brokers.models import BrokerAccount, Order


@dataclass
class Faulty:
    error: Exception

    def submit(self, access, request):
        if request == "bad":
            raise self.error
        return VenueOrder(broker_order_id=request, status=OrderStatus.ACCEPTED)


@pytest.mark.parametrize("error", [KeyError("secret"), RuntimeError("fault"), OSError("full")])
@pytest.mark.parametrize("requests", [["bad"], ["one", "bad", "two"]])
def test_one_fault_makes_one_outcome_unknown(monkeypatch, error, requests):
    monkeypatch.setitem(calling.ADAPTERS._made, "alpaca", Faulty(error))
    account = BrokerAccount(kind="alpaca")
    chosen = [Sending(Order(account=account), None, request) for request in requests]
    told = {one.request: outcome for made in outcomes_of(chosen) for one, outcome in made}
    assert told.keys() == set(requests)
    assert isinstance(told.pop("bad"), OutcomeUnknown)
    assert all(outcome.broker_order_id == request for request, outcome in told.items())


@pytest.mark.parametrize("kind", ["alpaca", "paper"])
def test_who_slept_past_its_lease_makes_no_call(monkeypatch, kind):
    monkeypatch.setitem(calling.ADAPTERS._made, kind, Faulty(AssertionError("it was made")))
    account = BrokerAccount(kind=kind)
    slept = Sending(Order(account=account), None, "bad", time.time() - LEASE.total_seconds() - 1)
    awake = Sending(Order(account=account), None, "good")
    told = {one.request: outcome for made in outcomes_of([slept, awake]) for one, outcome in made}
    assert told["bad"].code == "too_late", "nothing went out: nobody has to ask"
    assert told["good"].status == OrderStatus.ACCEPTED


def test_calls_that_waited_for_each_other_past_the_lease_are_not_made(monkeypatch):
    one_at_a_time, clock, made = threading.Lock(), [1000.0], []

    class Gateway:
        def submit(self, _, request):
            with one_at_a_time:
                begin()
                made.append(request)
                clock[0] += 0.6 * LEASE.total_seconds()
                return VenueOrder(broker_order_id=request, status=OrderStatus.ACCEPTED)

    monkeypatch.setattr(calling.time, "time", lambda: clock[0])
    monkeypatch.setitem(calling.ADAPTERS._made, "interactive_brokers", Gateway())
    account = BrokerAccount(kind="interactive_brokers")
    chosen = [Sending(Order(account=account), None, each, clock[0]) for each in "abcd"]
    told = {one.request: outcome for made in outcomes_of(chosen) for one, outcome in made}
    assert len(made) == 2
    late = [told[each] for each in set("abcd") - set(made)]
    assert [(type(each), each.code) for each in late] == [(Refused, "too_late")] * 2


@pytest.mark.parametrize("clock", ["time", "monotonic"])
def test_a_clock_that_is_set_back_prolongs_no_lease(monkeypatch, clock):
    monkeypatch.setitem(calling.ADAPTERS._made, "alpaca", Faulty(AssertionError("it was made")))
    slept = Sending(Order(account=BrokerAccount(kind="alpaca")), None, "bad")
    later = getattr(time, clock)() + LEASE.total_seconds() + 1
    monkeypatch.setattr(calling.time, clock, lambda: later)
    ((_, outcome),) = next(iter(outcomes_of([slept])))
    assert outcome.code == "too_late"


def test_who_stops_reading_outcomes_goes_on_when_no_call_is_under_way():
    release, over = threading.Event(), []

    def slow():
        release.wait(5)
        time.sleep(0.05)
        over.append(True)

    outcomes = calls_make([("fast", lambda: None), ("slow", slow)])
    assert next(outcomes) == [("fast", None)]
    release.set()
    outcomes.close()
    assert over == [True]


def test_threads_of_calls_are_there_for_the_next_ones():
    made = list(calls_make([(number, threading.current_thread) for number in range(3)]))
    threads = {thread for outcomes in made for _, thread in outcomes}
    assert threading.current_thread() not in threads
    assert all(thread.is_alive() for thread in threads)


def test_calls_that_wait_for_each_other_are_all_under_way():
    meet = threading.Barrier(40)
    made = calls_make([(number, lambda: meet.wait(10)) for number in range(40)])
    assert sorted(about for outcomes in made for about, _ in outcomes) == list(range(40))


def test_a_broker_that_answers_at_once_takes_few_threads(monkeypatch):
    monkeypatch.setattr(calling, "LOOK_S", 0.2)

    def call():
        time.sleep(0.001)
        return threading.get_ident()

    made = list(calls_make([(number, call) for number in range(100)]))
    assert len({ident for outcomes in made for _, ident in outcomes}) <= 4


def test_a_fault_of_a_call_is_raised_to_who_reads_its_outcome():
    def fails():
        raise LookupError("of the call")

    with pytest.raises(LookupError, match="of the call"):
        list(calls_make([("one", fails), ("two", lambda: None)]))


def test_where_no_thread_can_be_had_nobody_waits_for_calls_that_were_not_begun(monkeypatch):
    class Exhausted:
        def submit(self, work, waiting):
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(calling, "_threads", Exhausted)
    made = []
    with pytest.raises(RuntimeError, match="new thread"):
        list(calls_make([(number, lambda: made.append(1)) for number in range(3)]))
    assert made == []
