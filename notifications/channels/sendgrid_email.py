"""Email through SendGrid's v3 API, with its official library."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from urllib.error import URLError

from django.conf import settings
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import CustomArg, Header, Mail

from notifications.channels.addresses import email_fault, unsubscribe_headers
from notifications.channels.base import Blame, DeliveryError, Message, Receipt, SecretKind
from notifications.channels.sendgrid_events import ARGUMENT, events_read

TIMEOUT_S = 10


class SendGridEmail:
    """Sends with the installation's API key."""

    repeatable = True
    needs_code = True
    secret = SecretKind.NONE
    rate_per_min = 60

    def is_configured(self) -> bool:
        """Need an API key."""
        return bool(settings.SENDGRID_API_KEY)

    def recipient_fault(self, recipient: str) -> str | None:
        """Take email addresses."""
        return email_fault(recipient)

    def secret_fault(self, secret: str) -> str | None:
        """Take none."""
        return "an address of this kind takes no secret" if secret else None

    def send(self, message: Message) -> str:
        """Hand the mail to SendGrid, which answers 202 with the id of the message."""
        mail = Mail(
            from_email=settings.DEFAULT_FROM_EMAIL,
            to_emails=message.recipient,
            subject=message.subject,
            plain_text_content=message.text,
            html_content=message.html or None,
        )
        for name, value in unsubscribe_headers(message).items():
            mail.add_header(Header(name, value))
        if settings.SENDGRID_EVENT_KEY and message.receipt_token:
            mail.add_custom_arg(CustomArg(ARGUMENT, message.receipt_token))
        client = SendGridAPIClient(settings.SENDGRID_API_KEY, host=settings.SENDGRID_URL)
        client.client.timeout = TIMEOUT_S
        try:
            response = client.send(mail)
        except HTTPError as error:
            raise _refusal(error) from error
        except URLError as error:
            # urllib wraps what goes wrong before the request is out; nothing was sent.
            raise DeliveryError(f"SendGrid cannot be reached: {error.reason}") from error
        except (OSError, HTTPException) as error:
            raise DeliveryError(f"SendGrid did not answer: {error}", unknown=True) from error
        return str(response.headers.get("X-Message-Id", ""))

    def receipts_of(
        self,
        *,
        url: str,  # noqa: ARG002 - one address for all messages
        body: bytes,
        fields: Mapping[str, str],  # noqa: ARG002 - it is no form
        headers: Mapping[str, str],
    ) -> Sequence[Receipt] | None:
        """Return what SendGrid's Event Webhook tells; its signature proves that it is SendGrid."""
        return events_read(body, headers, key=settings.SENDGRID_EVENT_KEY)


def _refusal(error: HTTPError) -> DeliveryError:
    """Sort SendGrid's answers: 429 and 5xx pass with time, other refusals do not.

    The key, the account and the sender are the operator's, so 401 (a wrong key, used-up credits)
    and 403 (a sender that is not verified, a key without the right) say nothing about a recipient.
    """
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else error.body
    fields = _fields(str(body))
    passing = error.status_code == 429 or error.status_code >= 500
    operators = error.status_code in {401, 403} or any(name.startswith("from") for name in fields)
    recipients = any(name.startswith("personalizations") and ".to" in name for name in fields)
    retry_after = error.headers.get("Retry-After") if error.headers else None
    return DeliveryError(
        f"SendGrid answered {error.status_code}: {str(body)[:300]}",
        permanent=not passing and not operators,
        retry_after_s=float(retry_after) if retry_after and retry_after.isdigit() else None,
        blame=Blame.OPERATOR if operators else Blame.RECIPIENT if recipients else Blame.MESSAGE,
    )


def _fields(body: str) -> list[str]:
    """Return what SendGrid finds fault with: ``personalizations.0.to.0.email``."""
    try:
        rows = json.loads(body)["errors"]
        return [str(row.get("field") or "") for row in rows]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []
