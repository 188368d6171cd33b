"""The id of the request that is being served: in every log line and every answer."""

from __future__ import annotations

import re
from contextvars import ContextVar

from core.db import uuid7

ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """Return the id of the request being served, or an empty string outside of one."""
    return _current.get()


def request_id_begin(offered: str | None) -> str:
    """Take the caller's id where it is harmless, else a new one."""
    value = offered if offered and ACCEPTED.fullmatch(offered) else str(uuid7())
    _current.set(value)
    return value
