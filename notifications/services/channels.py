"""Channels of a user: made, proven, changed, switched off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from core.accounts.models import User
from core.db import claim
from core.errors import Conflict, Detail, InvalidInput, NotFound
from core.sealing import rows_reseal
from notifications.attempts import channel_disable
from notifications.channels.base import SecretKind
from notifications.channels.kinds import CHANNELS
from notifications.choices import DeliveryStatus, Hold
from notifications.codes import TRIES, code_hash
from notifications.keeping import secrets_open, secrets_seal
from notifications.links import NOT_OURS, unsubscribe_channel
from notifications.models import Alert, Delivery, UserChannel
from notifications.outgoing.signing import secret_make
from notifications.services.addressing import address_take, channel_code_request, channel_move
from notifications.services.alerts import alert_send

MAX_CHANNELS: Final = 50
# Receivers have this long to take over a new secret: both sign meanwhile.
OVERLAP: Final = timedelta(hours=24)
UNSUBSCRIBED: Final = "its recipient has unsubscribed"


@transaction.atomic
def channel_create(
    *,
    owner_id: UUID,
    kind: str,
    address: str = "",
    name: str = "",
    secret: str = "",
    **pace: Any,
) -> tuple[UserChannel, str]:
    """Add an address to reach the user at, and return the secret that was made for it, if any.

    `kind` may be "email" or "sms": the installation's own service for it is taken. An address that
    takes a code is sent one, unless it is the confirmed address of the account. `pace` are quiet
    hours, digest and rate, as in `channel_update`.
    """
    taken = address_take(owner_id=owner_id, kind=kind, address=address, secret=secret)
    pace_check(**pace)
    # Two requests at once count each other.
    User.objects.select_for_update().only("id").get(id=owner_id)
    if UserChannel.objects.filter(owner_id=owner_id).count() >= MAX_CHANNELS:
        raise Conflict(f"You have {MAX_CHANNELS} channels already: delete one first.")
    verified_at = timezone.now() if taken.proven else None
    row, created = UserChannel.objects.get_or_create(
        owner_id=owner_id,
        kind=taken.kind,
        address=taken.shown,
        defaults={"name": name, "verified_at": verified_at, **pace},
    )
    if not created:
        raise Conflict(f"You have this channel already: {row.id}.", code="channel_exists")
    made = secret_make() if CHANNELS.get(taken.kind).secret is SecretKind.MADE else ""
    if kept := made or taken.kept:
        row.secrets = secrets_seal(row.id, current=kept)
        UserChannel.objects.filter(id=row.id).update(secrets=row.secrets)
    if not taken.proven:
        channel_code_request(channel=row)
    return row, made


@transaction.atomic
def channel_update(*, channel: UserChannel, **changes: Any) -> UserChannel:
    """Rename, enable, disable, pace or move a channel; enabling it clears why it was disabled.

    `kind`, `address` and `secret` are those of `channel_move`.
    """
    pace_check(**{name: changes.get(name, getattr(channel, name)) for name in PACE})
    moved = {name: changes.pop(name) for name in PLACE if name in changes}
    if changes.get("enabled"):
        changes |= {"disabled_reason": "", "failures": 0, "resume_at": None}
    if "rate_per_min" in changes:
        changes["resume_at"] = None
    UserChannel.objects.filter(id=channel.id).update(**changes, updated_at=timezone.now())
    channel.refresh_from_db()
    if "quiet_from" in changes or "digest_minutes" in changes:
        _held_release(channel)
    if moved:
        channel_move(channel=channel, **moved)
    return channel


def channel_test(*, channel: UserChannel) -> Alert:
    """Send a test through the channel, now: neither quiet hours nor a digest holds it."""
    if not channel.enabled:
        reason = channel.disabled_reason or "by you"
        raise Conflict(f"The channel is off ({reason}): enable it first.", code="channel_disabled")
    if channel.verified_at is None:
        raise Conflict(
            f"Nobody has proven that {channel.address} is theirs: POST the code that was sent "
            f"there to channels/{channel.id}/verify.",
            code="channel_not_verified",
        )
    return alert_send(
        owner_id=channel.owner_id,
        subject="Test alert",
        text="This channel works.",
        channels=[channel],
        urgent=True,
    )


def channel_verify(*, channel: UserChannel, code: str) -> UserChannel:
    """Prove an address with the code that was sent there.

    Raises
    ------
    InvalidInput
        The code is wrong, too old, or was tried too often.
    """
    if channel.verified_at is not None:
        return channel
    now = timezone.now()
    open_ = UserChannel.objects.filter(
        id=channel.id, code_expires_at__gt=now, code_tries__lt=TRIES, enabled=True
    ).exclude(code_hash="")
    # Counted before it is looked at: guesses at the same time are counted too.
    if not claim(open_, code_tries=F("code_tries") + 1):
        raise InvalidInput(
            "There is no code that could be tried: it is too old, was tried too often, or none was "
            f"sent. POST channels/{channel.id}/code sends another.",
            code="code_expired",
        )
    channel.refresh_from_db()
    given = code_hash(channel=channel, code=code)
    if not constant_time_compare(given, channel.code_hash):
        left = TRIES - channel.code_tries
        message = f"This is not the code that was sent; it can be tried {left} more times."
        raise InvalidInput(message, code="code_wrong", details=[Detail("code", "wrong", message)])
    UserChannel.objects.filter(id=channel.id, code_hash=channel.code_hash).update(
        verified_at=now, code_hash="", code_expires_at=None, updated_at=now
    )
    channel.refresh_from_db()
    return channel


@transaction.atomic
def channel_secret_rotate(*, channel: UserChannel) -> str:
    """Make a new secret and return it; the old one signs beside it for another day.

    Raises
    ------
    Conflict
        When the kind has no secret of our making.
    """
    if CHANNELS.get(channel.kind).secret is not SecretKind.MADE:
        raise Conflict(f"A channel of kind {channel.kind} has no secret to rotate.")
    row = UserChannel.objects.select_for_update().get(id=channel.id)
    now = timezone.now()
    current = secrets_open(row, now=now)[:1]
    made = secret_make()
    UserChannel.objects.filter(id=row.id).update(
        secrets=secrets_seal(row.id, current=made, previous="".join(current)),
        previous_until=now + OVERLAP,
        updated_at=now,
    )
    return made


@transaction.atomic
def channel_unsubscribe(*, token: str) -> UserChannel:
    """End the mails of a channel for whoever has a link from one of them.

    To go on, its owner enables it and proves the address again.

    Raises
    ------
    NotFound
        The token is none of ours, or the channel is gone.
    """
    channel = unsubscribe_channel(token)
    if channel is None:
        raise NotFound(NOT_OURS)
    if not channel_disable(channel_id=channel.id, reason=UNSUBSCRIBED, unwanted=True):
        # It is off for another reason; switched on again, it needs a proof all the same.
        UserChannel.objects.filter(id=channel.id).update(verified_at=None, code_hash="")
    channel.refresh_from_db()
    return channel


PLACE: Final = ("kind", "address", "secret")
PACE: Final = ("quiet_from", "quiet_until", "digest_minutes", "rate_per_min")


def pace_check(**pace: Any) -> None:
    """Refuse quiet hours of which half is missing, or that never end."""
    begin, end = pace.get("quiet_from"), pace.get("quiet_until")
    if (begin is None) != (end is None):
        path = "quiet_until" if end is None else "quiet_from"
        message = "Quiet hours take both quiet_from and quiet_until; null for both ends them."
        raise InvalidInput(message, details=[Detail(path, "required", message)])
    if begin is not None and begin == end:
        message = "Quiet hours that end when they begin never end: choose another quiet_until."
        raise InvalidInput(
            message, details=[Detail("quiet_until", "invalid", message, None, f"{end}")]
        )


def _held_release(channel: UserChannel) -> None:
    """Have what waits looked at again under a new pace; what is to wait still is held again."""
    waiting = Delivery.objects.filter(channel=channel, status=DeliveryStatus.QUEUED)
    held = [Hold.QUIET_HOURS] if channel.digest_minutes else [Hold.QUIET_HOURS, Hold.DIGEST]
    waiting.filter(held__in=held).update(due_at=timezone.now())


def secrets_reseal() -> int:
    """Wrap the secrets of all channels by the newest master key; return how many.

    Raises
    ------
    Permanent
        When no master key opens a row.
    """
    return rows_reseal(UserChannel.objects.all(), field="secrets")
