"""Email over SMTP, or onto the console where no mail server is set."""

from __future__ import annotations

import smtplib

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from notifications.channels.addresses import email_fault, unsubscribe_headers
from notifications.channels.base import DeliveryError, Message, SecretKind


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
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
            raise DeliveryError(str(error), permanent=_is_permanent(error)) from error
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(str(error), permanent=500 <= error.smtp_code < 600) from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(str(error) or type(error).__name__) from error
        return str(mail.message().get("Message-ID", ""))


def _is_permanent(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPSenderRefused) -> bool:
    """Tell whether every answer was a 5xx; a 4xx (greylisting) passes with time."""
    if isinstance(error, smtplib.SMTPSenderRefused):
        return error.smtp_code >= 500
    return all(code >= 500 for code, _ in error.recipients.values())
