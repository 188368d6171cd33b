from __future__ import annotations

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient


@pytest.fixture
def stored_bars(db, settings, tmp_path):
    """The sample data: GOOG's last close is 806.19."""
    settings.BARS_URL = str(tmp_path / "bars")
    call_command("load_sample_data")


@pytest.fixture
def user(db, django_user_model):
    return django_user_model.objects.create_user("trader@example.com", "correct horse battery")


@pytest.fixture
def other(db, django_user_model):
    return django_user_model.objects.create_user("other@example.com", "correct horse battery")


@pytest.fixture
def client(user):
    client = APIClient()
    client.force_authenticate(user)
    return client
