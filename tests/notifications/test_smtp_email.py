"""Mail over SMTP, against a server that speaks it: taken, refused, put off, broken."""

from __future__ import annotations

import email
import socketserver
import threading
import time
from email import policy

import pytest

from notifications.channels.base import Blame, DeliveryError, Message
from notifications.channels.kinds import CHANNELS
from tests.notifications.channel_contract import ChannelContract

MESSAGE = Message(
    "trader@example.com",
    "Run completed: Zürich",
    "GOOG: +12 %",
    alert_id="a1",
    html="<p>GOOG: +12 %</p>",
    unsubscribe_url="https://alerts.acme.dev/u?token=x",
)


class Session(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs to hand a mail over."""

    def handle(self):
        self.answer(self.server.replies.get("GREETING", "220 mail.acme.dev ESMTP"))
        while line := self.rfile.readline().decode().strip():
            verb = line.split(" ")[0].split(":")[0].upper()
            self.server.verbs.append(verb)
            reply = self.server.replies.get(verb)
            if reply == "hang up":
                return
            if reply == "silence":
                time.sleep(2)
                return
            if reply is not None:
                self.answer(reply)
            elif verb == "DATA":
                self.answer("354 go on")
                self.mail()
            elif verb == "QUIT":
                self.answer("221 bye")
                return
            else:
                self.answer("250 ok")

    def mail(self):
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line)
        if self.server.replies.get("BODY") == "hang up":
            self.connection.close()
            return
        self.server.mails.append(email.message_from_bytes(b"".join(lines), policy=policy.default))
        self.answer(self.server.replies.get("BODY", "250 queued as 17"))

    def answer(self, text):
        self.wfile.write(f"{text}\r\n".encode())


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass  # a client that went away


@pytest.fixture
def server(settings):
    with Server(("127.0.0.1", 0), Session) as server:
        server.verbs, server.mails, server.replies = [], [], {}
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_USE_TLS = False
        settings.EMAIL_TIMEOUT = 0.5
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def channel():
    return CHANNELS.get("smtp_email")


def refusal(channel):
    with pytest.raises(DeliveryError) as refused:
        channel.send(MESSAGE)
    return refused.value


def test_a_mail_is_text_and_html_with_a_way_out(channel, server, settings):
    channel.send(MESSAGE)
    (mail,) = server.mails
    assert (mail["To"], mail["Subject"]) == ("trader@example.com", "Run completed: Zürich")
    assert mail["From"] == settings.DEFAULT_FROM_EMAIL
    assert mail["List-Unsubscribe"] == "<https://alerts.acme.dev/u?token=x>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    kinds = {part.get_content_type(): part.get_content() for part in mail.iter_parts()}
    assert kinds["text/plain"].strip() == "GOOG: +12 %"
    assert kinds["text/html"].strip() == "<p>GOOG: +12 %</p>"


@pytest.mark.parametrize(
    ("verb", "reply", "permanent", "blame"),
    [
        ("RCPT", "550 5.1.1 no such user", True, Blame.RECIPIENT),
        ("RCPT", "450 4.2.0 greylisted", False, Blame.RECIPIENT),
        # A relay that does not know us, a policy: the address is as good as it was.
        ("RCPT", "554 5.7.1 relay access denied", False, Blame.RECIPIENT),
        ("MAIL", "552 5.3.4 too big", True, Blame.MESSAGE),
        ("MAIL", "451 4.3.0 later", False, Blame.RECIPIENT),
        ("DATA", "554 5.7.1 no", True, Blame.MESSAGE),
        ("BODY", "552 5.3.4 too big", True, Blame.MESSAGE),
        ("BODY", "452 4.3.1 full", False, Blame.RECIPIENT),
        ("GREETING", "421 4.7.0 too many", False, Blame.RECIPIENT),
        ("GREETING", "nonsense", False, Blame.RECIPIENT),
        # The sender, the login and the server are the operator's: no user's channel ends by them.
        ("MAIL", "553 5.1.8 bad sender", False, Blame.OPERATOR),
        ("MAIL", "530 5.7.0 authentication required", False, Blame.OPERATOR),
        ("GREETING", "554 not here", False, Blame.OPERATOR),
    ],
)
def test_a_5xx_is_for_good_and_of_whom_it_is_about_and_a_4xx_passes(
    channel, server, verb, reply, permanent, blame
):
    server.replies = {verb: reply}
    error = refusal(channel)
    assert (error.permanent, error.blame) == (permanent, blame)
    assert not error.unknown


@pytest.mark.parametrize("offers", ["250 AUTH PLAIN LOGIN", "250 ok"])
def test_a_login_that_the_server_refuses_or_does_not_know_is_the_operators(
    channel, server, settings, offers
):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "us", "wrong"
    server.replies = {"EHLO": f"250-mail.acme.dev\r\n{offers}", "AUTH": "535 5.7.8 wrong"}
    error = refusal(channel)
    assert (error.permanent, error.blame) == (False, Blame.OPERATOR)


@pytest.mark.parametrize(("verb", "reply"), [("RCPT", "hang up"), ("MAIL", "silence")])
def test_a_server_that_is_gone_before_the_mail_passes_with_time(channel, server, verb, reply):
    server.replies = {verb: reply}
    assert not refusal(channel).permanent
    assert not server.mails


def test_a_server_that_breaks_off_after_the_mail_may_have_it(channel, server):
    server.replies = {"BODY": "hang up"}
    error = refusal(channel)
    assert not error.permanent
    assert server.verbs.count("DATA") == 1, "and it is not sent twice in one go"


def test_nobody_there_passes_with_time(channel, server, settings):
    settings.EMAIL_PORT = 1
    assert not refusal(channel).permanent


class TestSmtpEmail(ChannelContract):
    kind = "smtp_email"
    recipient = "trader@example.com"
    bad_recipient = "trader@"

    @pytest.fixture
    def behind(self, server):
        return self.recipient

    def test_the_address_is_proven_by_a_code(self, channel):
        assert channel.needs_code
