"""Storing credentials of providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from core.errors import Detail, InvalidInput, NotFound
from core.sealing import rows_reseal
from market.keys import key_seal
from market.models import ProviderKey
from market.providers.base import KeyedProvider
from market.providers.kinds import provider_get

LONGEST: Final = 500


def key_store(*, owner_id: UUID, provider: str, values: Mapping[str, str]) -> ProviderKey:
    """Keep a user's credentials at a provider, in place of those that were there.

    Raises
    ------
    InvalidInput
        When the provider wants none, or these are not what it wants.
    """
    source = provider_get(provider)
    if ":" in provider or not isinstance(source, KeyedProvider):
        raise InvalidInput(f"{provider} wants no credentials.", code="no_credentials_wanted")
    wanted = set(source.credential_fields)
    given = {name: value.strip() for name, value in values.items()}
    faults = [
        Detail(path=f"values.{name}", code="required", message=f"{name} is missing or empty.")
        for name in sorted(wanted)
        if not given.get(name)
    ]
    faults += [
        Detail(path=f"values.{name}", code="unknown", message=f"{source.title} has no {name}.")
        for name in sorted(given.keys() - wanted)
    ]
    faults += [
        Detail(
            path=f"values.{name}",
            code="too_long",
            message=f"{name} has more than {LONGEST} characters.",
        )
        for name, value in given.items()
        if len(value) > LONGEST
    ]
    if faults:
        raise InvalidInput(
            f"{source.title} wants {' and '.join(source.credential_fields)}.",
            code="wrong_credentials",
            details=faults,
        )
    row, _ = ProviderKey.objects.update_or_create(
        owner_id=owner_id,
        provider=provider,
        defaults={"sealed": key_seal(owner_id=owner_id, provider=provider, values=given)},
    )
    return row


def key_delete(*, owner_id: UUID, provider: str) -> None:
    """Forget a user's credentials at a provider.

    Raises
    ------
    NotFound
        When there are none.
    """
    deleted, _ = ProviderKey.objects.filter(owner_id=owner_id, provider=provider).delete()
    if not deleted:
        raise NotFound(f"You have no credentials of {provider} stored.")


def keys_reseal() -> int:
    """Wrap all stored credentials by the newest master key; return how many.

    Raises
    ------
    Permanent
        When no master key opens a row.
    """
    return rows_reseal(ProviderKey.objects.all(), field="sealed")
