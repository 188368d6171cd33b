"""What every channel promises, and those that speak HTTP besides; a new one inherits it."""

from __future__ import annotations

import socket

import pytest

from notifications.channels.base import Blame, Channel, DeliveryError, Message, SecretKind
from notifications.channels.kinds import CHANNELS


class ChannelContract:
    """Give `kind`, `recipient` and `bad_recipient`; `secrets` are what it signs or logs in with.

    `behind` starts what is behind the channel and returns the recipient there.
    """

    kind: str
    recipient: str
    bad_recipient: str
    secrets: tuple[str, ...] = ()

    @pytest.fixture
    def behind(self):
        return self.recipient

    @pytest.fixture(autouse=True)
    def _address(self, behind):
        self.address = behind

    @pytest.fixture
    def channel(self):
        assert self.kind in CHANNELS
        return CHANNELS.get(self.kind)

    @property
    def message(self):
        return Message(
            self.address,
            "Run completed",
            "GOOG: +12 %",
            alert_id="a1",
            event="run.completed",
            created_at="2026-01-15T14:30:01Z",
            data={"ticker": "GOOG"},
            secrets=self.secrets,
        )

    def refusal(self, channel):
        with pytest.raises(DeliveryError) as refusal:
            channel.send(self.message)
        return refusal.value

    def test_it_is_configured(self, channel):
        assert isinstance(channel, Channel)
        assert channel.is_configured()

    def test_a_well_formed_address_passes_and_another_is_told(self, channel):
        assert channel.recipient_fault(self.address) is None
        assert self.bad_recipient in channel.recipient_fault(self.bad_recipient)

    def test_it_says_how_it_is_to_be_used(self, channel):
        assert channel.rate_per_min > 0
        assert {type(channel.repeatable), type(channel.needs_code)} == {bool}
        made_here = channel.secret is not SecretKind.GIVEN
        assert channel.secret_fault("nonsense") is not None
        assert (channel.secret_fault("") is None) == made_here

    def test_it_returns_the_services_id_of_a_message(self, channel):
        assert isinstance(channel.send(self.message), str)


class HttpChannelContract(ChannelContract):
    """Give `module` (for its time-out) and `error_body` besides.

    Where the address is the service's own URL, `recipient_at` says which.

    `error_body` is what the service says of a recipient that it will never serve, `key_body` what
    it says of the credential. Where that is the installation's own (`operators_key`), a refusal of
    it says nothing about any user's channel: it must not be permanent, or one revoked key would
    switch off the channels of everybody. A user's own bot, webhook or URL that lets nobody in
    is that channel's end.
    """

    module: str
    error_body: bytes
    key_body: bytes = b"{}"
    operators_key: bool = False

    def recipient_at(self, url):
        return self.recipient

    @pytest.fixture
    def behind(self, service):
        return self.recipient_at(service.url)

    def test_it_sends_once(self, channel, service):
        channel.send(self.message)
        assert len(service.requests) == 1

    def test_a_refused_recipient_is_permanent(self, channel, service):
        service.status, service.body = 400, self.error_body
        error = self.refusal(channel)
        assert (error.permanent, error.blame) == (True, Blame.RECIPIENT)
        assert not error.unknown
        assert "400" in str(error)
        assert len(service.requests) == 1

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refused_credential_is_a_matter_of_whose_it_is(self, channel, service, status):
        service.status, service.body = status, self.key_body
        error = self.refusal(channel)
        whose = Blame.OPERATOR if self.operators_key else Blame.RECIPIENT
        assert (error.permanent, error.blame) == (not self.operators_key, whose)
        assert not error.unknown
        assert str(status) in str(error)
        assert len(service.requests) == 1

    def test_a_rate_limit_passes_with_time(self, channel, service):
        service.status, service.body = 429, self.error_body
        error = self.refusal(channel)
        assert not error.permanent
        assert not error.unknown

    def test_a_failing_service_is_not_asked_twice(self, channel, service):
        service.status, service.body = 503, self.error_body
        assert not self.refusal(channel).permanent
        assert len(service.requests) == 1

    def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown(
        self, channel, service
    ):
        service.hang_up = True
        assert self.refusal(channel).unknown
        assert len(service.requests) == 1

    def test_an_answer_that_is_no_http_leaves_the_outcome_unknown(self, channel, service):
        service.garbage = b"\x00\x01 this is not HTTP\r\n\r\n"
        assert self.refusal(channel).unknown
        assert len(service.requests) == 1

    def test_a_refusal_that_makes_no_sense_is_told_in_bounds(self, channel, service):
        service.status, service.body = 429, b"\xff\xfe{" * 20_000
        error = self.refusal(channel)
        assert not error.permanent
        assert len(str(error)) < 2000

    def test_silence_ends_after_the_time_out_and_is_unknown(self, channel, service, monkeypatch):
        monkeypatch.setattr(f"{self.module}.TIMEOUT_S", 0.3)
        service.delay_s = 1
        assert self.refusal(channel).unknown

    def test_a_service_that_is_not_there_took_nothing(
        self, channel, service, settings, monkeypatch
    ):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            gone = f"http://127.0.0.1:{unused.getsockname()[1]}"
            settings.SENDGRID_URL = settings.TWILIO_URL = gone
            settings.WEBHOOK_TEST_ORIGINS = [gone]
            monkeypatch.setattr("notifications.channels.telegram.API_URL", gone)
            self.address = self.recipient_at(gone)
            error = self.refusal(channel)
        assert not error.permanent
        assert not error.unknown
