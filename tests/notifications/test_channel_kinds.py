"""A channel is a module and a line: nothing else knows which there are."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from core.realtime.models import Event
from notifications.channels.base import DeliveryError, SecretKind
from notifications.channels.kinds import CHANNELS
from notifications.choices import DeliveryStatus as Status
from notifications.models import Delivery, UserChannel
from notifications.pump import deliveries_pump
from tests.notifications.channel_contract import ChannelContract

pytestmark = pytest.mark.django_db
API = "/api/v1/channels"
# Long enough to stand in no sealed bytes by chance.
RING = "ring-of-the-pigeon"
ROOT = Path(__file__).resolve().parents[2]
# A word for mail and a word for SMS lead to the service that the installation uses.
KNOWN_BY_NAME = {"in_app", "smtp_email", "sendgrid_email", "twilio_sms"}


class TestInApp(ChannelContract):
    kind = "in_app"
    bad_recipient = ""

    @pytest.fixture
    def behind(self, user):
        return str(user.id)

    def test_the_sockets_of_that_user_are_told(self, channel, user):
        number = channel.send(self.message)
        event = Event.objects.get()
        assert (event.user_id, event.topic, str(event.seq)) == (user.id, "alerts", number)


def test_every_kind_inherits_the_contract():
    for path in sorted((ROOT / "tests" / "notifications").glob("test_*.py")):
        importlib.import_module(f"tests.notifications.{path.stem}")
    kept = set()
    waiting = ChannelContract.__subclasses__()
    while waiting:
        suite = waiting.pop()
        waiting += suite.__subclasses__()
        kept.add(getattr(suite, "kind", ""))
    assert set(CHANNELS.names()) <= kept


def test_no_code_but_its_own_names_a_channel():
    own = ROOT / "notifications" / "channels"
    for path in (ROOT / "notifications").rglob("*.py"):
        if own in path.parents or {"migrations", "api"} & set(path.parts):
            continue
        named = set(re.findall(r'"(\w+)"', path.read_text())) & set(CHANNELS.names())
        assert named <= KNOWN_BY_NAME, path


class Pigeon:
    """A channel as somebody would add it."""

    repeatable, needs_code, secret, rate_per_min = True, False, SecretKind.GIVEN, 7

    flown: list[tuple[str, str, tuple[str, ...]]] = []  # noqa: RUF012 - a test reads it

    def is_configured(self):
        return True

    def recipient_fault(self, recipient):
        return None if recipient.startswith("loft ") else f"{recipient!r} is no loft"

    def secret_fault(self, secret):
        return None if secret else "a pigeon has a ring"

    def send(self, message):
        if message.recipient.endswith("burnt"):
            raise DeliveryError("no loft there any more", permanent=True)
        self.flown.append((message.recipient, message.subject, message.secrets))
        return f"pigeon-{len(self.flown)}"


@pytest.fixture
def pigeons(monkeypatch):
    """Add the line."""
    monkeypatch.setattr(
        CHANNELS, "_paths", CHANNELS._paths | {"pigeon": f"{__name__}.{Pigeon.__name__}"}
    )
    monkeypatch.setattr(CHANNELS, "_made", dict(CHANNELS._made))
    Pigeon.flown.clear()
    return Pigeon.flown


def test_a_line_is_all_that_a_new_channel_takes(user, pigeons):
    assert CHANNELS.check() == []
    api = APIClient()
    api.force_authenticate(user)
    bad = api.post(API, {"kind": "pigeon", "address": "roof", "secret": RING})
    assert (bad.status_code, bad.json()["details"][0]["path"]) == (422, "address")
    body = {"kind": "pigeon", "address": "loft 9", "secret": RING}
    made = api.post(API, body)
    assert (made.status_code, made.json()["rate_per_min"]) == (201, 7), made.json()
    assert RING not in made.content.decode()
    assert bytes(UserChannel.objects.get().secrets).find(RING.encode()) < 0, "it is sealed"
    rule = {"event": "run.completed", "channels": ["pigeon"]}
    assert api.post("/api/v1/alert-rules", rule).status_code == 201
    assert api.post(f"{API}/{made.json()['id']}/test").status_code == 201
    deliveries_pump()
    assert pigeons == [("loft 9", "Test alert", (RING,))]
    sent = Delivery.objects.get(kind="pigeon")
    assert (sent.status, sent.service_id) == (Status.SENT, "pigeon-1")
    history = api.get("/api/v1/notifications/history?channel=pigeon").json()["results"]
    assert [row["subject"] for row in history] == ["Test alert"]
    moved = api.patch(f"{API}/{made.json()['id']}", {"address": "loft burnt"})
    assert moved.status_code == 200, moved.json()
    api.post(f"{API}/{made.json()['id']}/test")
    deliveries_pump()
    assert UserChannel.objects.get().disabled_reason == "no loft there any more"
