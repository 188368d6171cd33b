from __future__ import annotations

import copy

import pytest
from rest_framework.test import APIClient

from core.accounts.models import User
from strategies.api import examples
from strategies.services import strategy_create


@pytest.fixture
def user(db):
    return User.objects.create_user(email="trader@example.com")


@pytest.fixture
def stranger(db):
    return User.objects.create_user(email="stranger@example.com")


@pytest.fixture
def graph():
    """An EMA cross that can run."""
    return copy.deepcopy(examples.GRAPH)


@pytest.fixture
def strategy(user, graph):
    return strategy_create(owner_id=user.id, name="EMA cross", graph=graph)


@pytest.fixture
def api(user):
    client = APIClient()
    client.force_authenticate(user)
    return client
