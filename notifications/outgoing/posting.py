"""Posting a message, with every answer sorted into what the dispatcher does next."""

from __future__ import annotations

from collections.abc import Mapping

from notifications.channels.base import DeliveryError
from notifications.outgoing.client import Answer, NoAnswer, NotPublic, NotSent, request_post
from notifications.outgoing.urls import BadTarget, target_parse

EXCERPT = 200
# Refused for now: request time-out, too early, too many requests.
PASSING = frozenset({408, 425, 429})


def url_fault(url: str) -> str | None:
    """Say what is wrong with a URL, as far as that can be told without asking anybody."""
    try:
        target_parse(url)
    except BadTarget as error:
        return f"{url[:200]!r}: {error}"
    return None


def message_post(
    url: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float, service: str
) -> Answer:
    """Post a body and return the answer if it is a 2xx.

    Raises
    ------
    DeliveryError
        Permanent for a URL that leads nowhere public and for 4xx other than 408, 425 and 429;
        unknown where it may have arrived. A redirect is not followed, and passes with time: its
        owner mends it.
    """
    try:
        answer = request_post(url, body=body, headers=headers, timeout_s=timeout_s)
    except (BadTarget, NotPublic) as error:
        raise DeliveryError(str(error), permanent=True) from error
    except NotSent as error:
        raise DeliveryError(str(error)) from error
    except NoAnswer as error:
        raise DeliveryError(str(error), unknown=True) from error
    if 200 <= answer.status < 300:
        return answer
    said = answer.body[:EXCERPT].decode(errors="replace")
    redirect = " (redirects are not followed)" if 300 <= answer.status < 400 else ""
    raise DeliveryError(
        f"{service} answered {answer.status}{redirect}: {said}",
        permanent=400 <= answer.status < 500 and answer.status not in PASSING,
        retry_after_s=_retry_after(answer.headers),
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = {name.lower(): text for name, text in headers.items()}.get("retry-after", "")
    return min(float(value), 86_400.0) if value.isascii() and value.isdigit() else None
