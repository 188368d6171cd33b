from __future__ import annotations

from collections.abc import Mapping

from core.accounts.models import User


def profile_update(*, user: User, changes: Mapping[str, str]) -> User:
    """Change what a user says about themselves."""
    for field, value in changes.items():
        setattr(user, field, value)
    user.save(update_fields=[*changes, "updated_at"])
    return user
