from __future__ import annotations

import json
from dataclasses import replace

import pytest

from notifications.channels.base import Blame
from tests.notifications.channel_contract import HttpChannelContract


class TestSendGridEmail(HttpChannelContract):
    kind = "sendgrid_email"
    recipient = "trader@example.com"
    bad_recipient = "trader@"
    module = "notifications.channels.sendgrid_email"
    error_body = (
        b'{"errors": [{"message": "Does not contain a valid address.",'
        b' "field": "personalizations.0.to.0.email", "help": null}]}'
    )
    key_body = b'{"errors": [{"message": "The provided authorization grant is invalid"}]}'
    operators_key = True

    def test_the_mail_is_what_sendgrid_expects(self, channel, service, settings):
        assert channel.send(self.message) == "sg-1"
        path, headers, body = service.requests[0]
        mail = json.loads(body)
        assert path == "/v3/mail/send"
        assert headers["Authorization"] == "Bearer SG.key"
        assert mail["personalizations"] == [{"to": [{"email": "trader@example.com"}]}]
        assert mail["subject"] == "Run completed"
        assert mail["from"] == {"email": settings.DEFAULT_FROM_EMAIL}
        assert mail["content"] == [{"type": "text/plain", "value": "GOOG: +12 %"}]

    def test_the_time_to_wait_is_taken_from_the_answer(self, channel, service):
        service.status, service.body, service.headers = 429, b"{}", {"Retry-After": "120"}
        assert self.refusal(channel).retry_after_s == 120

    def test_html_and_the_way_out_go_along(self, channel, service):
        message = replace(self.message, html="<p>GOOG</p>", unsubscribe_url="https://acme.dev/u")
        channel.send(message)
        mail = json.loads(service.requests[0][2])
        assert [part["type"] for part in mail["content"]] == ["text/plain", "text/html"]
        assert mail["headers"] == {
            "List-Unsubscribe": "<https://acme.dev/u>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }

    @pytest.mark.parametrize(
        ("status", "field", "permanent", "blame"),
        [
            (400, '"from.email"', False, Blame.OPERATOR),
            (400, '"subject"', True, Blame.MESSAGE),
            (400, "null", True, Blame.MESSAGE),
            (413, "null", True, Blame.MESSAGE),
        ],
    )
    def test_it_says_who_has_to_mend_what_is_refused(
        self, channel, service, status, field, permanent, blame
    ):
        service.status = status
        service.body = f'{{"errors": [{{"message": "no", "field": {field}}}]}}'.encode()
        error = self.refusal(channel)
        assert (error.permanent, error.blame) == (permanent, blame)
