from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, Q, QuerySet
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken

from core.accounts.models import ApiToken, User
from core.accounts.models.user import email_normal


def session_user_get(*, user_id: str, session_id: str, generation: int) -> User | None:
    """Return the user of a session that is still going on; one query."""
    ended = BlacklistedToken.objects.filter(token__jti=session_id)
    user = User.objects.filter(~Exists(ended), id=user_id, is_active=True).first()
    return user if user is not None and user.session_generation == generation else None


def user_id_get(*, email: str) -> UUID | None:
    """Return the id of the user with this email."""
    return User.objects.filter(email=email_normal(email)).values_list("id", flat=True).first()


def api_token_get(*, token_hash: str) -> ApiToken | None:
    """Return a token that is neither revoked nor expired, of a user who may come in."""
    return (
        ApiToken.objects.select_related("owner")
        .filter(
            Q(expires_at=None) | Q(expires_at__gt=timezone.now()),
            token_hash=token_hash,
            revoked_at=None,
            owner__is_active=True,
        )
        .first()
    )


def api_token_list(*, owner_id: UUID) -> QuerySet[ApiToken]:
    """Return the tokens of a user that are not revoked."""
    return ApiToken.objects.filter(owner_id=owner_id, revoked_at=None)
