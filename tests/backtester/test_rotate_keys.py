"""The master key of what users keep with us can be changed."""

from __future__ import annotations

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from core.sealing import sealed, unsealed
from market.models import ProviderKey
from notifications.models import UserChannel

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture
def kept(db, django_user_model, settings):
    """One secret of a provider and one of a channel, sealed by the old key."""
    settings.CREDENTIALS_KEYS = [OLD]
    user = django_user_model.objects.create_user("trader@example.com", "correct horse battery")
    key = ProviderKey.objects.create(
        owner=user, provider="alpaca", sealed=sealed({"key": "k1"}, context="a")
    )
    channel = UserChannel.objects.create(
        owner=user,
        kind="webhook",
        address="https://example.com/",
        secrets=sealed({"current": "s1"}, context="b"),
    )
    return key, channel


def test_what_is_kept_opens_with_the_new_key_alone_once_it_is_rotated(kept, settings):
    settings.CREDENTIALS_KEYS = [NEW, OLD]
    told = StringIO()
    call_command("rotate_keys", stdout=told)
    assert told.getvalue().splitlines() == [
        "0 credentials of brokers",
        "1 keys of data providers",
        "1 secrets of alert channels",
    ]
    settings.CREDENTIALS_KEYS = [NEW]
    for row in kept:
        row.refresh_from_db()
    key, channel = kept
    assert unsealed(key.sealed, context="a") == {"key": "k1"}
    assert unsealed(channel.secrets, context="b") == {"current": "s1"}


def test_a_row_that_no_key_opens_is_told_and_left_alone(kept, settings):
    settings.CREDENTIALS_KEYS = [NEW]
    before = bytes(ProviderKey.objects.get().sealed)
    with pytest.raises(CommandError, match="keys of data providers: No master key opens"):
        call_command("rotate_keys")
    assert bytes(ProviderKey.objects.get().sealed) == before
