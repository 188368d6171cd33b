"""Email over SMTP, or onto the console where no mail server is set."""

from __future__ import annotations

import smtplib

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from notifications.channels.addresses import email_fault, unsubscribe_headers
from notifications.channels.base import Blame, DeliveryError, Message, SecretKind

# RFC 1870: told when the mail begins, or at its end.
TOO_LARGE = 552


class SmtpEmail:
    """Sends through Django's mail backend."""

    repeatable = True
    needs_code = True
    secret = SecretKind.NONE
    rate_per_min = 60

    def is_configured(self) -> bool:
        """Need nothing: without a server, mail goes to the console."""
        return True

    def recipient_fault(self, recipient: str) -> str | None:
        """Take email addresses."""
        return email_fault(recipient)

    def secret_fault(self, secret: str) -> str | None:
        """Take none."""
        return "an address of this kind takes no secret" if secret else None

    def send(self, message: Message) -> str:
        """Hand the mail to the server."""
        mail = EmailMultiAlternatives(
            subject=message.subject,
            body=message.text,
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=[message.recipient],
            headers=unsubscribe_headers(message),
        )
        if message.html:
            mail.attach_alternative(message.html, "text/html")
        try:
            mail.send()
        except smtplib.SMTPException as error:
            raise _refusal(error) from error
        except OSError as error:
            raise DeliveryError(str(error) or type(error).__name__) from error
        return str(mail.message().get("Message-ID", ""))


def _refusal(error: smtplib.SMTPException) -> DeliveryError:
    """Sort a server's answers: 4xx and a broken connection pass with time, 5xx do not.

    Whom they concern is told by what was refused: the recipient's address, the message, or us
    (the login, the sender's address, or a server that does not let us in).
    """
    said = str(error) or type(error).__name__
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return DeliveryError(said, permanent=all(map(_is_gone, error.recipients.values())))
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return DeliveryError(said, blame=Blame.OPERATOR)
    if not isinstance(error, smtplib.SMTPResponseException) or error.smtp_code < 500:
        return DeliveryError(said)
    if isinstance(error, smtplib.SMTPDataError) or error.smtp_code == TOO_LARGE:
        return DeliveryError(said, permanent=True, blame=Blame.MESSAGE)
    return DeliveryError(said, blame=Blame.OPERATOR)


def _is_gone(answer: tuple[int, bytes | str]) -> bool:
    """Tell whether an address takes no mail at all.

    A 4xx (greylisting) passes with time, and so may a policy (5.7.x, RFC 3463): it is about who
    sends, such as a relay that does not know us, and not about the address.
    """
    code, said = answer
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return code >= 500 and not text.lstrip().startswith("5.7.")
