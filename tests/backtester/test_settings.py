"""Settings come from the environment, and fail loudly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from backtester import env

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (lambda: env.flag("X", default=False), "maybe", "neither yes nor no"),
        (lambda: env.integer("X", 1), "1.5", "not a whole number"),
        (lambda: env.integer("X", 1, minimum=1), "0", "use 1 or more"),
        (lambda: env.numbers("X", {"a": 1}), "a=1,b=-2", "b=-2"),
        (lambda: env.numbers("X", {"a": 1}), "a", "key=value"),
        (lambda: env.database("X", ""), "mysql://a@b/c", "only PostgreSQL"),
        (lambda: env.database("X", ""), "postgres://a@b", "names no database"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_with_its_name(monkeypatch, read, value, found):
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured, match=found) as refusal:
        read()
    assert "X" in str(refusal.value)


def test_pairs_replace_those_of_the_default(monkeypatch):
    monkeypatch.setenv("X", "b = 20, c=3")
    assert env.numbers("X", {"a": 1, "b": 2}) == {"a": 1, "b": 20, "c": 3}
    monkeypatch.delenv("X")
    assert env.numbers("X", {"a": 1}) == {"a": 1}


def test_a_missing_value_is_told():
    with pytest.raises(ImproperlyConfigured, match="SURELY_NOT_SET is not set"):
        env.text("SURELY_NOT_SET")


def test_a_secret_may_come_from_a_file(monkeypatch, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    monkeypatch.setenv("X_FILE", str(secret))
    assert env.text("X") == "hunter2"
    monkeypatch.setenv("X", "other")
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.text("X")


def test_a_url_with_escapes_becomes_connection_settings(monkeypatch):
    monkeypatch.setenv("X", "postgres://us%40er:p%2Fw@db.internal:6543/name")
    read = env.database("X", "")
    assert (read["USER"], read["PASSWORD"]) == ("us@er", "p/w")
    assert (read["HOST"], read["PORT"], read["NAME"]) == ("db.internal", "6543", "name")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, "SECRET_KEY must be a secret of your own"),
        ({"SECRET_KEY": "x" * 60, "DEBUG": "1"}, "DEBUG is on"),
        ({"SECRET_KEY": "x" * 60}, "ALLOWED_HOSTS"),
        ({"SECRET_KEY": "x" * 60, "ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
    ],
)
def test_production_refuses_to_start_unsafe(changes, found):
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"SECRET_KEY", "DEBUG", "ALLOWED_HOSTS"}
    }
    done = subprocess.run(
        [sys.executable, "-c", "import backtester.settings"],
        cwd=ROOT,
        env={**environment, "APP_ENV": "production", **changes},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert found in done.stderr
