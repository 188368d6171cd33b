"""Typed readers of the environment that fail loudly.

A variable `NAME` may also be given as `NAME_FILE`, the path of a file that holds the value (as
Docker and Kubernetes mount secrets). A value that cannot be read as its type stops the start with
one line that names the variable, shows what was found, and says what is expected.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from backtester.stack.state import environment_of_running_stack

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


def _raw(name: str) -> str | None:
    """Return the value of `name`, from the environment or from the file `NAME_FILE` points to."""
    path = os.environ.get(f"{name}_FILE")
    if path is None:
        return os.environ.get(name, _running_stack().get(name))
    if name in os.environ:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one of them.")
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}_FILE={path} cannot be read: {error.strerror}."
        ) from error


@cache
def _running_stack() -> dict[str, str]:
    """Return the addresses of the stack that runs in `var/`, so that a command finds it."""
    here = Path(__file__).resolve().parent.parent / "var"
    return environment_of_running_stack(Path(os.environ.get("VAR_DIR", here)))


def text(name: str, default: str | None = None) -> str:
    """Return a string; without a default the variable is required."""
    value = _raw(name)
    if value is not None:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set: see .env.example for what it means.")
    return default


def flag(name: str, *, default: bool) -> bool:
    """Return a yes or no."""
    value = _raw(name)
    if value is None:
        return default
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither yes nor no: use 1 or 0.")


def integer(name: str, default: int, *, minimum: int | None = None) -> int:
    """Return a whole number that is not below `minimum`."""
    value = _raw(name)
    if value is None:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number.") from None
    if minimum is not None and number < minimum:
        raise ImproperlyConfigured(f"{name}={number} is too small: use {minimum} or more.")
    return number


def items(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """Return a comma-separated list; blanks are dropped."""
    value = _raw(name)
    if value is None:
        return list(default)
    return [item.strip() for item in value.split(",") if item.strip()]


def pairs(name: str) -> dict[str, str]:
    """Return a list of pairs such as ``alpaca=https://…,dhan=https://…``."""
    found = {}
    for item in items(name):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (key and equals and value):
            raise ImproperlyConfigured(
                f"{name} holds {item!r}: write pairs as key=value, with commas between them."
            )
        found[key] = value
    return found


def numbers(name: str, default: Mapping[str, int]) -> dict[str, int]:
    """Return the default with the whole numbers of pairs such as ``alpaca=180`` in it."""
    given = pairs(name)
    for key, value in given.items():
        if not value.isdecimal():
            raise ImproperlyConfigured(f"{name} holds {key}={value}: use a whole number.")
    return dict(default) | {key: int(value) for key, value in given.items()}


def database(name: str, default: str) -> dict[str, Any]:
    """Return Django's connection settings of a `postgres://user:password@host:port/name` URL."""
    parts = urlsplit(text(name, default))
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"{name} begins with {parts.scheme!r}: only PostgreSQL is supported, "
            "as postgres://user:password@host:5432/name."
        )
    if not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} names no database: end it with /name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }
