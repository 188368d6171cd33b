"""Argon2id at OWASP's parameters."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """19 MiB, two passes, one lane (OWASP password storage cheat sheet, 2023)."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
