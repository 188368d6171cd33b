"""Books are read on from where they were read to, and are what a reading of all of them gives."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from brokers.deployments.books import books_forget, books_read
from brokers.models import BookEntry


@pytest.fixture
def traded(venue):
    """A deployment that has bought on three bars, each fill booked before the next."""
    deployment = venue.buys(30)
    for at in (30, 31, 32):
        venue.bar(deployment, at)
    return deployment


def book(deployment):
    (found,) = books_read([deployment.id]).values()
    return found


def test_rows_are_numbered_from_one_without_a_gap(traded):
    numbers = BookEntry.objects.filter(deployment=traded).order_by("number")
    assert list(numbers.values_list("number", flat=True)) == list(range(1, len(numbers) + 1))
    assert len(numbers) > 1


def test_what_was_read_before_and_what_is_new_are_the_whole_book(venue, traded):
    before = book(traded)
    venue.bar(traded, 33)
    venue.bar(traded, 34)
    onward = book(traded)
    books_forget()
    assert onward == book(traded)
    assert onward.count > before.count


def test_what_is_known_is_not_read_again(traded):
    book(traded)
    with CaptureQueriesContext(connection) as queries:
        book(traded)
    with connection.cursor() as cursor:
        cursor.execute(queries[0]["sql"])
        assert cursor.fetchall() == []


def test_who_writes_in_a_book_changes_it_for_nobody_else(traded):
    first = book(traded)
    first.rows.clear()
    first.entered.clear()
    first.count = 0
    second = book(traded)
    assert second.count == len(second.rows) > 0


def test_a_row_that_is_missing_is_told(traded):
    books_forget()
    BookEntry.objects.filter(deployment=traded, number=1).delete()
    with pytest.raises(ValueError, match="does not follow"):
        book(traded)


def test_no_number_is_given_twice(traded):
    entry = BookEntry.objects.filter(deployment=traded, kind="entry").first()
    entry.id, entry.fill = None, None
    with pytest.raises(IntegrityError), transaction.atomic():
        entry.save(force_insert=True)


def test_of_two_processes_the_second_finds_what_the_first_has_booked(venue, traded):
    book(traded)  # what this process knows
    known = BookEntry.objects.filter(deployment=traded).count()
    venue.bar(traded, 33)  # in tests the same process: what it wrote is not what it has read
    assert book(traded).count == BookEntry.objects.filter(deployment=traded).count() > known
