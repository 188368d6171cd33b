from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from notifications.channels.base import Blame
from tests.notifications.channel_contract import HttpChannelContract


class TestTwilioSms(HttpChannelContract):
    kind = "twilio_sms"
    recipient = "+14155550123"
    bad_recipient = "0415 555"
    module = "notifications.channels.twilio_sms"
    error_body = b'{"code": 21211, "message": "not a phone number", "status": 400}'
    key_body = b'{"code": 20003, "message": "Authenticate", "status": 401}'
    operators_key = True

    def test_the_text_is_what_twilio_expects(self, channel, service, settings):
        assert channel.send(self.message) == "SM1"
        path, headers, body = service.requests[0]
        account = settings.TWILIO_ACCOUNT_SID
        assert path == f"/2010-04-01/Accounts/{account}/Messages.json"
        assert headers["Authorization"].startswith("Basic ")
        assert parse_qs(body.decode()) == {
            "To": ["+14155550123"],
            "From": ["+14155550100"],
            "Body": ["Run completed\nGOOG: +12 %"],
        }

    def test_a_5xx_may_have_been_sent(self, channel, service):
        service.status, service.body = 500, self.error_body
        assert self.refusal(channel).unknown

    def test_an_answer_that_cannot_be_read_may_have_been_sent(self, channel, service):
        service.body = b"<html>"
        assert self.refusal(channel).unknown

    @pytest.mark.parametrize(
        ("status", "code", "permanent", "blame"),
        [
            (400, 21610, True, Blame.RECIPIENT),  # unsubscribed
            (403, 21610, True, Blame.RECIPIENT),  # the code tells better than the status
            (404, 20404, False, Blame.OPERATOR),  # the account is gone
            (400, 21212, False, Blame.OPERATOR),  # no number to send from
            (400, 21606, True, Blame.MESSAGE),  # ours does not reach this destination
            (403, 21408, True, Blame.MESSAGE),  # a country that is not enabled
            (400, 21617, True, Blame.MESSAGE),  # too long
        ],
    )
    def test_twilios_code_says_who_has_to_mend_it(
        self, channel, service, status, code, permanent, blame
    ):
        service.status = status
        service.body = f'{{"code": {code}, "message": "no", "status": {status}}}'.encode()
        error = self.refusal(channel)
        assert (error.permanent, error.blame) == (permanent, blame)
