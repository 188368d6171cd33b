from __future__ import annotations

import pytest


@pytest.fixture
def user(transactional_db, django_user_model):
    return django_user_model.objects.create_user("trader@example.com", "correct horse battery")
