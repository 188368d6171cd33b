"""Credentials of users at providers: sealed on the way in, opened only for a download."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from core.sealing import sealed, unsealed
from market.models import ProviderKey


def key_seal(*, owner_id: UUID, provider: str, values: Mapping[str, str]) -> bytes:
    """Return credentials in the form that lies in a row."""
    return sealed(values, context=_context(owner_id, provider))


def credentials_of(*, owner_id: UUID | None, provider: str) -> dict[str, str]:
    """Return a user's credentials at a provider, {} where none are stored.

    Parameters
    ----------
    owner_id : UUID or None
    provider : str
        With or without a variant.

    Raises
    ------
    Permanent
        When the master key that they were stored with is gone.
    """
    kind = provider.partition(":")[0]
    row = ProviderKey.objects.filter(owner_id=owner_id, provider=kind).first()
    if row is None or owner_id is None:
        return {}
    return unsealed(bytes(row.sealed), context=_context(owner_id, kind))


def credentials_shared(*, provider: str) -> dict[str, str]:
    """Return the credentials for what everybody sees: those of a member of staff, {} without."""
    row = (
        ProviderKey.objects.filter(
            provider=provider.partition(":")[0], owner__is_staff=True, owner__is_active=True
        )
        .order_by("created_at")
        .first()
    )
    return {} if row is None else credentials_of(owner_id=row.owner_id, provider=provider)


def _context(owner_id: UUID, provider: str) -> str:
    return f"provider:{owner_id}:{provider}"
