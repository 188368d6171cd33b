"""Calls to brokers over HTTP: a time limit on each, none repeated, and what a failure proves."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from django.conf import settings

from brokers.adapters.base import OutcomeUnknown, Refused
from brokers.adapters.begin import begin
from brokers.adapters.connections import connections, proxies_of

# The certificates of who may be trusted, as the library itself reads them from the environment.
CERTIFICATES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class BrokerSession(requests.Session):
    """A session with a time limit on every request and no repetition of any.

    Its connections are those of the process, its headers and cookies are its own: accounts share
    no more than that. What the environment says of proxies and certificates holds; a `.netrc` does
    not, for its passwords would take the place of an account's. It lets nobody send it elsewhere,
    where an account's keys would go with it.

    `status` is the HTTP status of the last answer in the same thread, None where there was none:
    some libraries do not tell it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = 0
        self.verify = next(filter(None, map(os.environ.get, CERTIFICATES)), True)
        for scheme in self.adapters:
            self.adapters[scheme] = connections()
        self._last = threading.local()

    def close(self) -> None:
        """Leave the connections to the calls that follow."""

    @property
    def status(self) -> int | None:
        """HTTP status of this thread's last answer."""
        found: int | None = getattr(self._last, "status", None)
        return found

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request once."""
        self._last.status = None
        if method.upper() != "GET":
            begin()
        kwargs["timeout"] = settings.BROKER_TIMEOUT_S
        parts = urlsplit(url)
        kwargs["proxies"] = proxies_of(f"{parts.scheme}://{parts.netloc}")
        response = super().request(method, url, *args, **kwargs)
        self._last.status = response.status_code
        return response


@contextmanager
def outcomes(title: str) -> Iterator[None]:
    """Make every failure that proves nothing an unknown outcome.

    Parameters
    ----------
    title : str
        The broker's name in sentences.
    """
    try:
        yield
    except requests.exceptions.Timeout as error:
        raise OutcomeUnknown(f"{title} did not answer in time.") from error
    except requests.exceptions.RequestException as error:
        raise OutcomeUnknown(f"The connection to {title} broke.") from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise OutcomeUnknown(f"The reply of {title} cannot be read.") from error


def failure(title: str, status: int | None, code: str, message: str) -> Refused | OutcomeUnknown:
    """Return what an answer proves that is not a success: a 4xx proves that nothing was done.

    Parameters
    ----------
    status : int or None
        HTTP status; None where there was no answer.
    code, message : str
        As the broker says it.
    """
    said = f"{title}: {message or 'no reason was given'}"
    if status is None or status >= 500 or status == 408:
        return OutcomeUnknown(said)
    if status in {401, 403} and not code:
        code = "credentials_refused"
    if status in {418, 429}:
        code = "rate_limited"
    return Refused((code or f"http_{status}")[:50], said)
