from __future__ import annotations

import pytest


@pytest.fixture
def user(db, django_user_model, settings, tmp_path):
    settings.BARS_URL = str(tmp_path / "bars")
    return django_user_model.objects.create_user("trader@example.com", "correct horse battery")
