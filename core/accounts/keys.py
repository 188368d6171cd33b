"""How a personal API token looks, and what is kept of it."""

from __future__ import annotations

import hashlib
import secrets

# Lets secret scanners find a token that was committed by mistake.
KEY_PREFIX = "abt_"
SHOWN_CHARACTERS = 10


def key_new() -> str:
    """Return a new key of 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_hash(key: str) -> str:
    """Return what is stored of a key; a key that is random needs no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()
