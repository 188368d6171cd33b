"""Email and password."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser

from core.accounts.models import User


class EmailBackend(ModelBackend):
    """Django's backend, which hashes a password for unknown users too, so that both take as long.

    Where registration must be confirmed, an address that is not counts as a wrong password: any
    other answer would tell which addresses have an account.
    """

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Refuse the inactive, and where it is asked for, the unconfirmed."""
        if not super().user_can_authenticate(user):
            return False
        if not settings.REGISTRATION_CONFIRM or not isinstance(user, User):
            return True
        return user.is_staff or user.email_verified_at is not None
