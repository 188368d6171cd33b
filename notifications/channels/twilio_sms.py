"""SMS through Twilio, with its official library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import requests
from django.conf import settings
from twilio.base import values
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from notifications.channels.addresses import phone_fault
from notifications.channels.base import Blame, DeliveryError, Message, Receipt, SecretKind

TIMEOUT_S = 10
TWILIO_HOST = "https://api.twilio.com"
MAX_LENGTH = 1600
ARRIVED = frozenset({"sent", "delivered", "read"})
LOST = frozenset({"failed", "undelivered"})
# Blocked, unknown, a landline, no phone number, unsubscribed: no other message will arrive either.
PERMANENT_CODES = frozenset(
    {"30004", "30005", "30006", "21211", "21217", "21610", "21614", "21635"}
)
# The account's token, its state, and the number that it sends from.
OPERATOR_CODES = frozenset({"20003", "20005", "20006", "20008", "20404", "21212", "21603", "21660"})
# Countries and numbers that the account, or its number, does not reach; others it does. No user's
# number must be able to make the service rest for all.
REACH_CODES = frozenset({"21408", "21606", "21608", "21612", "21659"})


class RelocatedHttpClient(TwilioHttpClient):  # type: ignore[misc]  # twilio has no types
    """Twilio's own HTTP client, that speaks to `settings.TWILIO_URL` and never repeats itself."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send the request to where this installation's Twilio is."""
        return super().request(
            method, url.replace(TWILIO_HOST, settings.TWILIO_URL, 1), *args, **kwargs
        )


class TwilioSms:
    """Sends from the installation's number."""

    repeatable = False
    needs_code = True
    secret = SecretKind.NONE
    rate_per_min = 20

    def is_configured(self) -> bool:
        """Need an account, its token and a number."""
        return bool(
            settings.TWILIO_ACCOUNT_SID
            and settings.TWILIO_AUTH_TOKEN
            and settings.TWILIO_FROM_NUMBER
        )

    def recipient_fault(self, recipient: str) -> str | None:
        """Take phone numbers in international form."""
        return phone_fault(recipient)

    def secret_fault(self, secret: str) -> str | None:
        """Take none."""
        return "an address of this kind takes no secret" if secret else None

    def send(self, message: Message) -> str:
        """Hand the text to Twilio, which answers 201 with the id of the message.

        A broken connection is told apart by when it broke: before the request was out nothing was
        sent, after it nobody knows.
        """
        client = Client(
            settings.TWILIO_ACCOUNT_SID,
            settings.TWILIO_AUTH_TOKEN,
            http_client=RelocatedHttpClient(timeout=TIMEOUT_S, max_retries=0),
        )
        try:
            sent = client.messages.create(
                to=message.recipient,
                from_=settings.TWILIO_FROM_NUMBER,
                body=f"{message.subject}\n{message.text}"[:MAX_LENGTH],
                status_callback=message.receipt_url or values.unset,
            )
        except TwilioRestException as error:
            raise _refusal(error) from error
        except requests.ConnectTimeout as error:
            raise DeliveryError(f"Twilio cannot be reached: {error}") from error
        except requests.ConnectionError as error:
            unsent = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
            raise DeliveryError(f"Twilio: {error}", unknown=not unsent) from error
        except (requests.RequestException, ValueError, KeyError) as error:
            raise DeliveryError(f"Twilio's answer cannot be read: {error}", unknown=True) from error
        return str(sent.sid)

    def receipts_of(
        self,
        *,
        url: str,
        body: bytes,  # noqa: ARG002 - Twilio signs the fields
        fields: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> Sequence[Receipt] | None:
        """Return what Twilio tells of a message; its signature proves that it is Twilio."""
        validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
        signature = headers.get("X-Twilio-Signature", "")
        if not self.is_configured() or not validator.validate(url, dict(fields), signature):
            return None
        status, code = fields.get("MessageStatus", ""), fields.get("ErrorCode", "")
        told = Receipt(
            arrived=True if status in ARRIVED else False if status in LOST else None,
            service_id=fields.get("MessageSid", ""),
            error=f"Twilio: {status} ({code or 'without a code'})",
            permanent=code in PERMANENT_CODES,
        )
        return [told]


def _refusal(error: TwilioRestException) -> DeliveryError:
    """Sort Twilio's answers: 429 passes with time, 5xx may have been sent, the rest is final.

    Account, token and sending number are the operator's: what is wrong with them (401, 403, 404)
    says nothing about a recipient. Twilio's own code tells better than the status.
    """
    code = str(error.code)
    said = f"Twilio answered {error.status} ({error.code}): {error.msg}"
    if error.status == 429 or error.status >= 500:
        return DeliveryError(said, unknown=error.status >= 500)
    if code in PERMANENT_CODES:
        return DeliveryError(said, permanent=True)
    if code in OPERATOR_CODES or (error.status in {401, 403, 404} and code not in REACH_CODES):
        return DeliveryError(said, blame=Blame.OPERATOR)
    return DeliveryError(said, permanent=True, blame=Blame.MESSAGE)
