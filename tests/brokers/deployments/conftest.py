from __future__ import annotations

from datetime import timedelta

import pytest

from brokers.deployments import attempts
from tests.brokers.deployments.replaying import Venue, bars_random


@pytest.fixture
def user(db, django_user_model, settings, tmp_path):
    settings.BARS_URL = str(tmp_path / "bars")
    return django_user_model.objects.create_user("trader@example.com", "correct horse battery")


@pytest.fixture
def venue(user):
    venue = Venue(user, bars_random(40))
    venue.past(30)
    return venue


@pytest.fixture
def queued(monkeypatch):
    """The names of the tasks that are sent to workers."""
    names = []
    monkeypatch.setattr(
        "core.outbox.services.current_app.send_task", lambda name, **_: names.append(name)
    )
    return names


@pytest.fixture
def patient(monkeypatch):
    """Have the first wait after an attempt be longer than any test."""
    monkeypatch.setattr(attempts, "SHORTEST", timedelta(seconds=20))
