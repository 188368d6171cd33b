"""Asking a provider over HTTP: time limits, another host where one is set, failures in our words.

For providers whose library sends its requests through `requests`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests
from django.conf import settings

from core.errors import ApplicationError, Permanent, Transient

AWAY_WAIT_S: Final = 5.0
RATE_LIMIT_WAIT_S: Final = 60.0
LONGEST_WAIT_S: Final = 300.0


class TimedSession(requests.Session):
    """A session with a time limit on every request; libraries of providers often set none.

    Parameters
    ----------
    base_url : str
        Where to send all requests instead of the provider's hosts; empty for these.
    """

    def __init__(self, base_url: str = "") -> None:
        super().__init__()
        self._base = urlsplit(base_url) if base_url else None

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request, to the other host where one is set."""
        kwargs["timeout"] = settings.PROVIDER_TIMEOUT_S
        if self._base is not None:
            parts = urlsplit(str(url))
            url = urlunsplit(
                parts._replace(
                    scheme=self._base.scheme,
                    netloc=self._base.netloc,
                    path=self._base.path + parts.path,
                )
            )
        return super().request(method, url, *args, **kwargs)


@contextmanager
def failures_told(source: str) -> Iterator[None]:
    """Turn what goes wrong on the way to a provider into errors of ours.

    Parameters
    ----------
    source : str
        The provider's name in sentences: ``"Binance"``.
    """
    try:
        yield
    except ApplicationError:
        raise
    except requests.exceptions.JSONDecodeError as error:
        raise bad_reply(source) from error
    except requests.exceptions.Timeout as error:
        raise timed_out(source) from error
    except (
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    ) as error:
        raise bad_reply(source) from error
    except requests.exceptions.RequestException as error:
        raise unreachable(source) from error
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # What a reply does that is not what the protocol promises.
        raise bad_reply(source) from error


def status_error(source: str, status: int, *, retry_after: str | None = None) -> ApplicationError:
    """Return the error that an HTTP status stands for, where its body says no more."""
    if status in {418, 429}:
        return rate_limited(source, retry_after)
    if status in {401, 403}:
        return Permanent(
            f"{source} refuses the credentials, or they do not cover this data: store others "
            "with PUT /api/v1/provider-keys.",
            code="credentials_refused",
        )
    if status >= 500:
        return Transient(
            f"{source} has a fault of its own (HTTP {status}): try again later.",
            code="provider_unavailable",
            retry_after_s=AWAY_WAIT_S,
        )
    return Permanent(f"{source} refuses the request (HTTP {status}).", code="request_refused")


def rate_limited(source: str, retry_after: str | None = None) -> Transient:
    """Return the error for having asked too often."""
    wait = RATE_LIMIT_WAIT_S
    if retry_after is not None and retry_after.strip().isdigit():
        wait = min(float(retry_after), LONGEST_WAIT_S)
    return Transient(
        f"{source} limits how often it may be asked, and it was asked too often: try again in "
        f"{wait:g} s.",
        code="rate_limited",
        retry_after_s=wait,
    )


def timed_out(source: str) -> Transient:
    """Return the error for an answer that did not come."""
    return Transient(
        f"{source} did not answer within {settings.PROVIDER_TIMEOUT_S} s: try again later.",
        code="provider_timeout",
        retry_after_s=AWAY_WAIT_S,
    )


def unreachable(source: str) -> Transient:
    """Return the error for a host that cannot be reached."""
    return Transient(
        f"{source} cannot be reached: this machine has no connection to the internet, or something "
        "in between blocks it. The sample data works without one.",
        code="provider_unreachable",
        retry_after_s=AWAY_WAIT_S,
    )


def bad_reply(source: str) -> Transient:
    """Return the error for an answer that is not what was promised."""
    return Transient(
        f"The reply of {source} is broken or cut off: try again later.",
        code="bad_reply",
        retry_after_s=AWAY_WAIT_S,
    )
