from __future__ import annotations

from datetime import timedelta

import pytest

from brokers.deployments import attempts


@pytest.fixture
def user(db, django_user_model, settings, tmp_path):
    settings.BARS_URL = str(tmp_path / "bars")
    return django_user_model.objects.create_user("trader@example.com", "correct horse battery")


@pytest.fixture
def patient(monkeypatch):
    """Have the first wait after an attempt be longer than any test."""
    monkeypatch.setattr(attempts, "SHORTEST", timedelta(seconds=20))
