"""The user: an email, a profile, and when their sessions were last ended."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.db import uuid7


class UserManager(BaseUserManager["User"]):
    """Creates users by email; emails are stored in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an ordinary user."""
        user = self.model(email=email_normal(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user who may do everything in the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user of an email, however it is written."""
        return self.get(email=email_normal(username or ""))


def email_normal(email: str) -> str:
    """Return an email as it is stored: without blanks around it, in lower case."""
    return email.strip().lower()


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who can log in."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    base_currency = models.CharField(max_length=3, default="USD")
    email_verified_at = models.DateTimeField(null=True, blank=True)
    # Every token carries this moment as it was when the token was issued, and is good only while it
    # stays so: moving it ends all sessions (logout-all, a changed password).
    sessions_valid_from = models.DateTimeField(default=timezone.now)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="user_email_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def session_generation(self) -> int:
        """`sessions_valid_from` in whole microseconds, as the tokens carry it."""
        return round(self.sessions_valid_from.timestamp() * 1_000_000)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Tie the admin's sessions to the generation too: logout-all ends them."""
        return salted_hmac(
            "core.accounts.models.User.session_auth_hash",
            f"{self.password}:{self.session_generation}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()
