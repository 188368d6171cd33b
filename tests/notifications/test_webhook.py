"""A webhook is signed as Standard Webhooks, so that any library of theirs can check it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest

from notifications.channels.base import DeliveryError
from notifications.outgoing.signing import secret_make, signature
from tests.notifications.channel_contract import HttpChannelContract

OLD, NEW = secret_make(), secret_make()


def test_the_signature_is_that_of_the_specification():
    # The example of the specification's own test suite.
    signed = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


class TestWebhook(HttpChannelContract):
    kind = "webhook"
    bad_recipient = "http://hooks.example.org/"
    module = "notifications.channels.webhook"
    error_body = b"no"
    secrets = (NEW, OLD)

    def recipient_at(self, url):
        return f"{url}/hook?a=1"

    def test_the_receiver_can_check_the_signature_with_either_secret(self, channel, service):
        assert channel.send(self.message) == "msg_a1"
        ((path, headers, body),) = service.requests
        assert path == "/hook?a=1"
        assert headers["Host"] == service.url.removeprefix("http://")
        assert headers["webhook-id"] == "msg_a1"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5
        given = headers["webhook-signature"].split(" ")
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        for secret, each in zip((NEW, OLD), given, strict=True):
            key = base64.b64decode(secret.removeprefix("whsec_"))
            digest = hmac.new(key, signed, hashlib.sha256).digest()
            assert each == "v1," + base64.b64encode(digest).decode()

    def test_the_body_says_what_happened(self, channel, service):
        channel.send(self.message)
        assert json.loads(service.requests[0][2]) == {
            "type": "run.completed",
            "timestamp": "2026-01-15T14:30:01Z",
            "data": {
                "id": "a1",
                "subject": "Run completed",
                "text": "GOOG: +12 %",
                "details": {"ticker": "GOOG"},
            },
        }

    def test_a_redirect_is_not_followed_and_passes_with_time(self, channel, service):
        service.status, service.headers = 307, {"Location": f"{service.url}/elsewhere"}
        error = self.refusal(channel)
        assert "redirects are not followed" in str(error)
        assert not error.permanent
        assert len(service.requests) == 1

    def test_a_drip_that_never_ends_is_cut_off(self, channel, service, monkeypatch):
        monkeypatch.setattr(f"{self.module}.TIMEOUT_S", 0.5)
        service.drip_s = 0.05
        began = time.monotonic()
        assert self.refusal(channel).unknown
        assert time.monotonic() - began < 1.5

    def test_no_more_of_an_answer_is_read_than_is_of_use(self, channel, service):
        service.status, service.body = 400, b"x" * 5_000_000
        began = time.monotonic()
        assert len(str(self.refusal(channel))) < 300
        assert time.monotonic() - began < 1.0

    def test_a_proxy_of_the_environment_is_not_asked(self, channel, service, monkeypatch):
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        channel.send(self.message)
        assert len(service.requests) == 1

    def test_without_a_secret_nothing_is_sent(self, channel, service):
        self.secrets = ()
        assert self.refusal(channel).permanent
        assert not service.requests


class TestSlack(HttpChannelContract):
    kind = "slack"
    bad_recipient = "https://127.0.0.1/services/T/B/x"
    module = "notifications.channels.slack"
    error_body = b"no_service"

    def recipient_at(self, url):
        return f"{url}/services/T000/B000/XXXX"

    def test_the_url_is_in_no_repr_and_in_no_error(self, channel, service):
        self.address = self.recipient_at(service.url)
        service.status, service.body = 403, self.error_body
        assert "T000" not in repr(self.message) + str(self.refusal(channel))

    def test_nothing_in_the_text_becomes_a_mention(self, channel, service):
        self.address = self.recipient_at(service.url)
        message = self.message
        object.__setattr__(message, "text", "<!channel> & <http://x|y>")
        channel.send(message)
        assert json.loads(service.requests[0][2]) == {
            "text": "*Run completed*\n&lt;!channel&gt; &amp; &lt;http://x|y&gt;"
        }


class TestTelegram(HttpChannelContract):
    kind = "telegram"
    recipient = "-100123456"
    bad_recipient = "t.me/somebody"
    module = "notifications.channels.telegram"
    error_body = b'{"ok": false, "error_code": 400, "description": "chat not found"}'
    secrets = ("123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",)

    def test_the_bot_says_it_in_the_chat(self, channel, service):
        assert channel.secret_fault(self.secrets[0]) is None
        assert channel.send(self.message) == "7"
        path, _, body = service.requests[0]
        assert path == f"/bot{self.secrets[0]}/sendMessage"
        assert json.loads(body)["chat_id"] == "-100123456"
        assert json.loads(body)["text"] == "Run completed\n\nGOOG: +12 %"

    def test_the_token_is_in_no_error(self, channel, service):
        service.status, service.body = 401, self.error_body
        assert self.secrets[0] not in str(self.refusal(channel))

    def test_the_token_is_in_no_repr(self):
        assert self.secrets[0] not in repr(self.message)


@pytest.mark.parametrize("kind", ["webhook", "slack"])
def test_a_name_that_leads_inside_is_refused_for_good(kind, monkeypatch):
    from notifications.channels.base import Message
    from notifications.channels.kinds import CHANNELS

    monkeypatch.setattr(
        "notifications.outgoing.client.addresses_of", lambda *_, **__: ["169.254.169.254"]
    )
    message = Message("https://hooks.acme.dev/", "s", "t", alert_id="a", secrets=(NEW,))
    with pytest.raises(DeliveryError) as refusal:
        CHANNELS.get(kind).send(message)
    assert refusal.value.permanent
    assert "169.254" not in str(refusal.value), "our network's insides are told to nobody"
