"""Transactions that are done again, and those that are not."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connection, connections, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable

from core.accounts.models import User
from core.transactions import ATTEMPTS, Overtaken, atomic

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def users(django_user_model):
    return [
        django_user_model.objects.create_user(f"{name}@example.com", "correct horse battery")
        for name in "ab"
    ]


def changed(user):
    User.objects.filter(id=user.id).update(is_staff=True)


def test_two_that_wait_for_each_other_are_both_done(users):
    """PostgreSQL ends one of the two: a real deadlock, each in a connection of its own."""
    met, runs = threading.Barrier(2, timeout=10), []

    @atomic
    def both(first, second):
        runs.append(first.email)
        changed(first)
        if len(runs) <= 2:
            met.wait()
        changed(second)

    def work(first, second):
        try:
            both(first, second)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(users[at], users[1 - at])) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(runs) == 3, "one of them was done again"
    assert User.objects.filter(is_staff=True).count() == 2


def failing(error, times, told=None):
    """Return a function that fails some times, and how often it was called."""
    calls = []

    @atomic
    def work(user):
        calls.append(connection.in_atomic_block)
        changed(user)
        if told is not None:
            transaction.on_commit(told)
        if len(calls) <= times:
            raise error
        return "done"

    return work, calls


def caused(cause):
    error = OperationalError()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("error", [caused(DeadlockDetected()), Overtaken()])
def test_it_is_done_again_and_what_it_left_behind_is_gone(users, error):
    told = []
    work, calls = failing(error, ATTEMPTS - 1, lambda: told.append(1))
    assert work(users[0]) == "done"
    assert calls == [True] * ATTEMPTS
    assert told == [1], "what was to follow the commit follows the one that there was"


@pytest.mark.parametrize("error", [caused(DeadlockDetected()), Overtaken()])
def test_it_is_not_done_again_for_ever(users, error):
    work, calls = failing(error, ATTEMPTS)
    with pytest.raises(type(error)):
        work(users[0])
    assert len(calls) == ATTEMPTS
    assert not User.objects.get(id=users[0].id).is_staff


@pytest.mark.parametrize("error", [caused(LockNotAvailable()), OperationalError(), ValueError()])
def test_what_fails_for_another_reason_is_not_done_again(users, error):
    work, calls = failing(error, 1)
    with pytest.raises(type(error)):
        work(users[0])
    assert len(calls) == 1


def test_a_part_of_another_transaction_is_not_done_again_by_itself(users):
    work, calls = failing(Overtaken(), 1)
    with pytest.raises(Overtaken), transaction.atomic():
        work(users[0])
    assert len(calls) == 1


def test_what_fails_after_the_commit_is_no_reason_to_do_it_again(users):
    def late():
        raise caused(DeadlockDetected())

    work, calls = failing(ValueError(), 0, late)
    with pytest.raises(OperationalError):
        work(users[0])
    assert len(calls) == 1
    assert User.objects.get(id=users[0].id).is_staff
