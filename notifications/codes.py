"""The worker's side of proving an address: codes are made where they are sent, kept as hashes."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.db import claim
from notifications.attempts import channel_disable
from notifications.channels.base import Blame, DeliveryError
from notifications.channels.kinds import CHANNELS
from notifications.messages import code_message
from notifications.models import UserChannel
from notifications.service_faults import fault_clear, fault_note

LIFETIME: Final = timedelta(minutes=15)
DIGITS: Final = 6
TRIES: Final = 5


class CodeNotSent(Exception):
    """The code did not leave; another one may later."""


def code_send(*, channel_id: UUID) -> None:
    """Send a new code to a channel that is not verified; the one before is void.

    Raises
    ------
    CodeNotSent
        When the service cannot take it now.
    """
    channel = UserChannel.objects.filter(id=channel_id, verified_at=None, enabled=True).first()
    if channel is None:
        return
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    now = timezone.now()
    same = UserChannel.objects.filter(id=channel.id, address=channel.address, verified_at=None)
    if not claim(
        same,
        code_hash=code_hash(channel=channel, code=code),
        code_expires_at=now + LIFETIME,
        code_tries=0,
    ):
        return  # it has moved meanwhile; the new address has a task of its own
    minutes = int(LIFETIME.total_seconds()) // 60
    try:
        CHANNELS.get(channel.kind).send(code_message(channel=channel, code=code, minutes=minutes))
    except DeliveryError as error:
        _not_sent(channel, error)
    else:
        fault_clear(kind=channel.kind)


def _not_sent(channel: UserChannel, error: DeliveryError) -> None:
    if error.blame is Blame.OPERATOR:
        fault_note(kind=channel.kind, error=str(error))
    if error.permanent:
        if error.blame is Blame.RECIPIENT:
            channel_disable(channel_id=channel.id, reason=str(error))
    elif not error.unknown:
        raise CodeNotSent(str(error)) from error


def code_hash(*, channel: UserChannel, code: str) -> str:
    """Return what is kept of a code: nothing to guess it from without our secret key.

    It proves the address that the code was sent to, and no other that the channel has had or gets.
    """
    salt = f"notifications.code:{channel.id}:{channel.address}"
    return salted_hmac(salt, code, algorithm="sha256").hexdigest()
