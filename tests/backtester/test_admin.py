"""Every page of every model in the admin opens, and a longer list asks no more questions."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.accounts.models import User
from market.models import BarSeries

admin.autodiscover()
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
EVERY_MODEL = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
# Session and user, counting and reading the rows, the choices of the filters.
QUERIES_AT_MOST = 14
HOSTILE = [
    "",
    "x",
    "%",
    "'\"<script>",
    "\u202e😀",
    "9" * 400,
    "01a1fc91-1652-7c79-b879-6b507d941485",
]


@pytest.fixture
def root(client, db):
    client.force_login(User.objects.create_superuser("root@example.com", "a long password"))
    return client


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


# What the columns accept, by their kind; a number makes each value another one.
VALUES = {
    models.EmailField: lambda number: f"person{number}@example.com",
    models.GenericIPAddressField: lambda _: "127.0.0.1",
    models.DateTimeField: lambda _: timezone.now(),
    models.DateField: lambda _: date(2020, 1, 1),
    models.BooleanField: lambda _: True,
    models.BinaryField: lambda _: b"",
    models.JSONField: lambda _: {},
    models.DecimalField: Decimal,
    models.IntegerField: int,
    models.FloatField: float,
    ArrayField: lambda _: [],
    models.CharField: "NAME{}".format,
    models.TextField: "TEXT{}".format,
}


def value_of(field, number, made):
    """Return a value that the column accepts, another one for each number."""
    if field.is_relation:
        return row_of(field.related_model, number, made)
    if field.choices:
        return field.choices[0][0]
    return next(make(number) for kind, make in VALUES.items() if isinstance(field, kind))


def row_of(model, number, made):
    """Return the row of this number, made with everything that it needs."""
    if (model, number) not in made:
        needed = {
            field.name: value_of(field, number, made)
            for field in model._meta.concrete_fields
            if not (field.null or field.has_default() or field.auto_created)
            and not getattr(field, "auto_now", False)
            and not getattr(field, "auto_now_add", False)
        }
        if model is BarSeries:
            needed["rows"] = number  # its default is refused: a series is never empty
        made[model, number] = model._default_manager.create(**needed)
    return made[model, number]


@EVERY_MODEL
def test_lists_searches_and_pages_open(root, model):
    row = row_of(model, 1, {})
    for text in HOSTILE:
        assert root.get(url(model, "changelist"), {"q": text}).status_code == 200
    assert root.get(url(model, "changelist"), {"o": "1.-2.99", "p": "abc"}).status_code in {
        200,
        302,
    }
    assert root.get(url(model, "add")).status_code in {200, 403}
    assert root.get(url(model, "change", row.pk)).status_code == 200
    assert root.get(url(model, "history", row.pk)).status_code == 200
    assert root.get(url(model, "delete", row.pk)).status_code in {200, 403}
    assert root.get(url(model, "change", "no-such-row")).status_code in {302, 404}


@EVERY_MODEL
def test_plurals_are_no_bare_s_behind_what_asks_for_more(model):
    assert not re.search(r"([^aeiou]y|s|x|ch|sh)s$", str(model._meta.verbose_name_plural))


@EVERY_MODEL
def test_an_empty_form_is_answered_with_its_faults(root, model):
    assert root.post(url(model, "add"), {}).status_code in {200, 403}


@EVERY_MODEL
def test_a_longer_list_asks_no_more_questions(root, model):
    made = {}
    row_of(model, 1, made)
    root.get(url(model, "changelist"))

    def questions():
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert root.get(url(model, "changelist")).status_code == 200
        return len(asked)

    few = questions()
    for number in range(2, 13):
        row_of(model, number, made)
    assert questions() <= few
    assert few <= QUERIES_AT_MOST
