"""Where a channel leads: its address checked, proven where it must be, and changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from core.accounts.models import User
from core.db import claim
from core.errors import Conflict, Detail, InvalidInput
from core.outbox.services import task_enqueue
from notifications.channels.base import Channel, SecretKind
from notifications.channels.kinds import CHANNELS, is_email, kind_of
from notifications.choices import CODE_TASK
from notifications.keeping import address_shown, secrets_open, secrets_seal
from notifications.models import UserChannel

CODE_EVERY: Final = timedelta(seconds=60)
IN_APP: Final = "in_app"


@dataclass(frozen=True, slots=True)
class Address:
    """An address that a user gave, checked.

    Attributes
    ----------
    kind : str
    shown : str
        As rows keep it.
    kept : str
        What is sealed beside it: the address itself, or what opens the service; "" where nothing is
        or where we make it.
    proven : bool
        Whether it may be used at once.
    """

    kind: str
    shown: str
    kept: str
    proven: bool


def address_take(*, owner_id: UUID, kind: str, address: str, secret: str) -> Address:
    """Return an address as it is kept.

    Raises
    ------
    InvalidInput
        Naming what is wrong with it, with the kind, or with the secret.
    """
    kind = kind_of(kind)
    channel = _configured(kind)
    address = str(owner_id) if kind == IN_APP else address.strip()
    _field_check("address", channel.recipient_fault(address), address)
    _field_check("secret", channel.secret_fault(secret), "")
    return Address(
        kind=kind,
        shown=address_shown(kind, address),
        kept=address if channel.secret is SecretKind.ADDRESS else secret,
        proven=not channel.needs_code or _is_own_address(owner_id, address),
    )


@transaction.atomic
def channel_move(
    *, channel: UserChannel, kind: str = "", address: str = "", secret: str = ""
) -> None:
    """Lead a channel to another address, mail over another service, or take another token.

    A new address is proven like one of a new channel, and what waits for the old one is not sent. A
    channel that was switched off because its address did not work is on again.

    Raises
    ------
    InvalidInput
        Naming what is wrong.
    Conflict
        When there is another channel with this address.
    """
    row = UserChannel.objects.select_for_update().get(id=channel.id)
    kind = _kind_kept(row, kind)
    changes: dict[str, Any] = {"kind": kind}
    if address.strip() not in {"", row.address}:
        if kind == IN_APP:
            _field_check("address", "an in-app channel leads to yourself", address)
        given = _given(row, secret)
        taken = address_take(owner_id=row.owner_id, kind=kind, address=address, secret=given)
        changes |= _moved(row, taken)
    if secret:
        _field_check("secret", CHANNELS.get(kind).secret_fault(secret), "")
        changes["secrets"] = secrets_seal(row.id, current=secret)
    if row.disabled_reason:
        changes |= {"enabled": True, "disabled_reason": ""}
    changes |= {"failures": 0, "resume_at": None, "updated_at": timezone.now()}
    try:
        with transaction.atomic():
            UserChannel.objects.filter(id=row.id).update(**changes)
    except IntegrityError:
        raise Conflict(
            "You have another channel with this address.", code="channel_exists"
        ) from None
    channel.refresh_from_db()
    if channel.enabled and channel.verified_at is None and "address" in changes:
        channel_code_request(channel=channel)


@transaction.atomic
def channel_code_request(*, channel: UserChannel) -> None:
    """Queue a code to an address that is not proven, at most one a minute.

    Raises
    ------
    Conflict
        When there is nothing to prove, or a code was sent just now.
    """
    if channel.verified_at is not None:
        raise Conflict("This channel is verified already.", code="channel_verified")
    if not channel.enabled:
        raise Conflict("The channel is off: enable it first.", code="channel_disabled")
    now = timezone.now()
    rested = Q(code_sent_at=None) | Q(code_sent_at__lte=now - CODE_EVERY)
    if not claim(UserChannel.objects.filter(rested, id=channel.id), code_sent_at=now):
        raise Conflict(
            f"A code was sent less than {CODE_EVERY.seconds} s ago: wait for it.",
            code="code_sent",
        )
    task_enqueue(task=CODE_TASK, args=[str(channel.id)], queue="alerts")


def _moved(row: UserChannel, taken: Address) -> dict[str, Any]:
    """Return what changes with an address; nothing where it is the one there was."""
    if taken.shown == row.address:
        return {}
    changes: dict[str, Any] = {
        "address": taken.shown,
        "verified_at": timezone.now() if taken.proven else None,
        "code_hash": "",
        "code_expires_at": None,
        "code_sent_at": None,
    }
    if CHANNELS.get(taken.kind).secret is SecretKind.ADDRESS:
        changes["secrets"] = secrets_seal(row.id, current=taken.kept)
    return changes


def _given(row: UserChannel, secret: str) -> str:
    """Return the token to check beside a new address: the new one, or the old, which is good."""
    if secret or CHANNELS.get(row.kind).secret is not SecretKind.GIVEN:
        return secret
    return "".join(secrets_open(row, now=timezone.now())[:1])


def _kind_kept(row: UserChannel, word: str) -> str:
    """Return the kind that a channel has from now on: mail may go over another service."""
    kind = kind_of(word) if word else row.kind
    if kind == row.kind:
        return kind
    _configured(kind)
    if not (is_email(kind) and is_email(row.kind)):
        message = f"A channel of kind {row.kind} stays one: add another for {word}."
        detail = Detail("kind", "fixed", message, expected=row.kind, received=word)
        raise InvalidInput(message, details=[detail])
    return kind


def _configured(kind: str) -> Channel:
    if kind not in CHANNELS:
        kinds = ", ".join(CHANNELS.names())
        message = f"{kind!r} is no kind of channel: use email, sms or one of {kinds}."
        detail = Detail("kind", "invalid_choice", message, expected=CHANNELS.names(), received=kind)
        raise InvalidInput(message, details=[detail])
    channel = CHANNELS.get(kind)
    if not channel.is_configured():
        raise InvalidInput(
            f"This installation cannot send through {kind}: its operator has set no keys for it.",
            code="channel_not_configured",
        )
    return channel


def _field_check(path: str, fault: str | None, received: str) -> None:
    if fault:
        detail = Detail(path, "invalid", f"{fault}.", received=received or None)
        raise InvalidInput(f"{path}: {fault}.", details=[detail])


def _is_own_address(owner_id: UUID, address: str) -> bool:
    """Tell whether the account's own mail has proven the address already."""
    return User.objects.filter(
        id=owner_id, email=address.lower(), email_verified_at__isnull=False
    ).exists()
