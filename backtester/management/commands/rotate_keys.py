"""`manage.py rotate_keys`: wrap what users keep with us by the newest master key."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from brokers.services.accounts import credentials_reseal
from core.errors import Permanent
from market.services.keys import keys_reseal
from notifications.services import secrets_reseal

KEPT: Final = (
    ("credentials of brokers", credentials_reseal),
    ("keys of data providers", keys_reseal),
    ("secrets of alert channels", secrets_reseal),
)


class Command(BaseCommand):
    help = (
        "Wrap stored credentials by the first of CREDENTIALS_KEYS. To change the master key put "
        "the new one in front, restart, run this, then take the old one out. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        for what, reseal in KEPT:
            try:
                count = reseal()
            except Permanent as error:
                raise CommandError(f"{what}: {error.message}") from error
            self.stdout.write(f"{count} {what}")
