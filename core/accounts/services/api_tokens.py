"""Personal API tokens."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.accounts.choices import Action
from core.accounts.keys import SHOWN_CHARACTERS, key_hash, key_new
from core.accounts.models import ApiToken, User
from core.accounts.origin import Origin
from core.accounts.selectors import api_token_list
from core.accounts.services.audit import event_record
from core.db import claim
from core.errors import Conflict, NotFound

MAX_TOKENS = 50


def api_token_create(
    *, owner: User, name: str, scopes: list[str], expires_at: datetime | None, origin: Origin
) -> tuple[str, ApiToken]:
    """Return a new key, which is not kept, and its row.

    Raises
    ------
    Conflict
        When the owner has as many as one may have.
    """
    if api_token_list(owner_id=owner.id).count() >= MAX_TOKENS:
        raise Conflict(
            f"You have {MAX_TOKENS} API tokens already: revoke one first.", code="too_many_tokens"
        )
    key = key_new()
    with transaction.atomic():
        token = ApiToken.objects.create(
            owner=owner,
            name=name,
            prefix=key[:SHOWN_CHARACTERS],
            token_hash=key_hash(key),
            scopes=scopes,
            expires_at=expires_at,
        )
        event_record(
            action=Action.TOKEN_CREATED,
            owner=owner,
            origin=origin,
            name=name,
            prefix=token.prefix,
            scopes=scopes,
        )
    return key, token


def api_token_revoke(*, owner: User, token_id: UUID | str, origin: Origin) -> None:
    """Revoke a token, for good.

    Raises
    ------
    NotFound
        When the owner has no such token that is still good.
    """
    with transaction.atomic():
        tokens = api_token_list(owner_id=owner.id).filter(id=token_id)
        if not claim(tokens, revoked_at=timezone.now()):
            raise NotFound(f"You have no API token {token_id}: see GET /api/v1/me/tokens.")
        event_record(action=Action.TOKEN_REVOKED, owner=owner, origin=origin, id=str(token_id))
