"""Secrets of users at rest: a key for each row, wrapped by a master key kept elsewhere.

`CREDENTIALS_KEYS` lists the master keys (Fernet: 32 bytes in URL-safe base64), the newest first;
the others only open what they wrapped. Without it they are derived from `SECRET_KEY` and
`SECRET_KEY_FALLBACKS`. Changing the master key rewraps the small row keys; the secrets themselves
are not touched (`rows_reseal`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db.models import QuerySet

from core.db import claim
from core.errors import Permanent

FORMAT: Final = 1
DERIVED_FOR: Final = b"credentials at rest"


def sealed(values: Mapping[str, str], *, context: str) -> bytes:
    """Return secrets in a form that may lie in a row.

    Parameters
    ----------
    values : mapping of str to str
    context : str
        What they belong to (``"provider:<owner>:alpaca"``); whoever opens them must say the same,
        so a row copied under another user opens for nobody.
    """
    row_key = Fernet.generate_key()
    body = json.dumps({"context": context, "values": dict(values)}).encode()
    return json.dumps(
        {
            "format": FORMAT,
            "key": _master().encrypt(row_key).decode(),
            "body": Fernet(row_key).encrypt(body).decode(),
        }
    ).encode()


def unsealed(data: bytes, *, context: str) -> dict[str, str]:
    """Return the secrets in a row.

    Raises
    ------
    Permanent
        When no master key opens it, it was changed, or it belongs to something else.
    """
    try:
        parts = json.loads(bytes(data))
        row_key = _master().decrypt(parts["key"].encode())
        body = json.loads(Fernet(row_key).decrypt(parts["body"].encode()))
    except (InvalidToken, ValueError, LookupError, TypeError) as error:
        raise Permanent(
            "The stored credentials cannot be opened with the master keys there are: store them "
            "again, or bring the key back that they were stored with (CREDENTIALS_KEYS).",
            code="credentials_unreadable",
        ) from error
    if body["context"] != context:
        raise Permanent(
            "The stored credentials belong to something else: store them again.",
            code="credentials_unreadable",
        )
    return {str(name): str(value) for name, value in body["values"].items()}


def resealed(data: bytes) -> bytes:
    """Return a row wrapped by the newest master key.

    Raises
    ------
    Permanent
        When no master key opens it.
    """
    try:
        parts = json.loads(bytes(data))
        parts["key"] = _master().rotate(parts["key"].encode()).decode()
    except (InvalidToken, ValueError, LookupError, TypeError) as error:
        raise Permanent(
            "No master key opens this row (CREDENTIALS_KEYS).", code="credentials_unreadable"
        ) from error
    return json.dumps(parts).encode()


def rows_reseal(rows: QuerySet[Any], *, field: str) -> int:
    """Wrap what rows keep sealed in a field by the newest master key; return how many.

    Safe to repeat, and while users store other secrets: what is sealed meanwhile is sealed by the
    newest key anyway, and stays.

    Raises
    ------
    Permanent
        When no master key opens a row.
    """
    changed = 0
    kept = rows.exclude(**{field: None}).order_by("pk").values_list("pk", field)
    for key, before in kept.iterator():
        same = rows.filter(**{"pk": key, field: before})
        changed += claim(same, **{field: resealed(bytes(before))})
    return changed


def _master() -> MultiFernet:
    keys = [key.encode() for key in getattr(settings, "CREDENTIALS_KEYS", ())]
    return MultiFernet([Fernet(key) for key in keys or _derived()])


def _derived() -> list[bytes]:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [
        base64.urlsafe_b64encode(
            HKDF(algorithm=SHA256(), length=32, salt=None, info=DERIVED_FOR).derive(
                str(secret).encode()
            )
        )
        for secret in secrets
    ]
