"""What a log says of an exception."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import django, structlog; django.setup()
def sign_in(password):
    raise OSError("no such host")
try:
    sign_in("correct horse".replace(" ", "-"))
except OSError:
    structlog.get_logger("trial").exception("login.failed")
"""


@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_trace_names_where_it_broke_and_holds_no_variables(environment, monkeypatch):
    monkeypatch.setenv("APP_ENV", environment)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "backtester.settings")
    monkeypatch.setenv("SECRET_KEY", "0123456789" * 7)
    monkeypatch.setenv("ALLOWED_HOSTS", "example.com")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert "login.failed" in done.stderr
    assert "no such host" in done.stderr
    assert "sign_in" in done.stderr
    assert "correct-horse" not in done.stderr
