"""One POST to a host that a user chose: to a public address, once, and not for long.

The name is looked up once and the connection is made to the very address that was checked, so a
name that changes its mind in between (DNS rebinding) gains nothing; certificate and `Host` are
still those of the name. Redirects are answers like any other, proxies of the environment are not
asked, and all of it (look-up, handshake, answer) has one deadline that a slow drip does not move.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from notifications.outgoing.addresses import address_is_public
from notifications.outgoing.urls import Target, target_parse

MAX_ANSWER_BYTES: Final = 4096
MAX_ADDRESSES: Final = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said: the status, and as much of the body as is of use."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class NotSent(OSError):
    """Nothing was sent: the host cannot be found, reached, or trusted."""


class NotPublic(NotSent):
    """Nothing was sent: the name leads to an address that is not public."""


class NoAnswer(OSError):
    """The request may have arrived, but no answer came in time."""


def request_post(url: str, *, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Answer:
    """Post a body and return the answer, whatever its status.

    Raises
    ------
    BadTarget
        The URL is none that we speak to.
    NotSent, NotPublic
        Nothing was sent.
    NoAnswer
        It may have arrived.
    """
    target = target_parse(url)
    deadline = time.monotonic() + timeout_s
    connected = _connect(target, addresses_pinned(target, timeout_s=timeout_s), deadline)
    # A socket's own time-out begins again with every byte; this one ends all of it.
    with connected.dup() as handle:
        watch = threading.Timer(max(0.0, deadline - time.monotonic()), _shut, [handle])
        watch.daemon = True
        watch.start()
        try:
            with _secured(connected, target, deadline) as sock:
                return _exchange(sock, target, body, headers, deadline)
        finally:
            watch.cancel()
            watch.join()
            connected.close()


def addresses_pinned(target: Target, *, timeout_s: float) -> list[str]:
    """Look a host up, once, and return its addresses; one that is not public refuses them all.

    Raises
    ------
    NotSent, NotPublic
    """
    found = addresses_of(target.host, target.port, timeout_s=timeout_s)
    if not target.trusted and not all(map(address_is_public, found)):
        # Which address it is would tell about the network that we are in.
        raise NotPublic(f"{target.host} does not lead to a public address")
    return found[:MAX_ADDRESSES]


def addresses_of(host: str, port: int, *, timeout_s: float) -> list[str]:
    """Return the addresses of a host, in the resolver's order.

    The resolver knows no deadline, so it is asked in a thread that is left alone when it is late.

    Raises
    ------
    NotSent
        When there are none, or they do not come in time.
    """
    found: list[str] = []
    faults: list[str] = []

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as error:
            faults.append(str(error))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise NotSent(f"{host} was not found in {timeout_s:g} s")
    if not found:
        raise NotSent(f"{host} cannot be found: {'; '.join(faults) or 'no address'}")
    return found


def tls_context() -> ssl.SSLContext:
    """Return what checks certificates: the system's authorities, the host's own name."""
    return ssl.create_default_context()


def _connect(target: Target, addresses: list[str], deadline: float) -> socket.socket:
    """Return a connection to the first of the checked addresses that answers."""
    faults = []
    for address in addresses:
        try:
            return socket_open(address, target.port, timeout_s=_left(deadline))
        except OSError as error:
            faults.append(str(error))
    raise NotSent(f"{target.host} cannot be reached: {'; '.join(dict.fromkeys(faults))}")


def socket_open(address: str, port: int, *, timeout_s: float) -> socket.socket:
    """Return a connection to an address; no resolver has a say in it any more."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    sock.settimeout(timeout_s)
    try:
        sock.connect((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def _secured(connected: socket.socket, target: Target, deadline: float) -> socket.socket:
    if not target.encrypted:
        return connected
    connected.settimeout(_left(deadline))
    try:
        return tls_context().wrap_socket(connected, server_hostname=target.host)
    except (OSError, ValueError) as error:
        raise NotSent(f"{target.host} cannot be trusted: {error}") from error


def _exchange(
    sock: socket.socket,
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    deadline: float,
) -> Answer:
    # http.client knows of no proxies and follows nobody anywhere.
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = sock
    sock.settimeout(_left(deadline))
    sent = {"Host": target.host_header, "Connection": "close", "Accept": "*/*", **headers}
    try:
        connection.request("POST", target.path, body=body, headers=sent)
        response = connection.getresponse()
        if time.monotonic() >= deadline:
            raise TimeoutError  # cut off within the headers
    except (OSError, http.client.HTTPException) as error:
        late = time.monotonic() >= deadline
        said = "it took too long" if late else str(error) or type(error).__name__
        raise NoAnswer(f"{target.host} did not answer: {said}") from error
    try:
        excerpt = response.read(MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        excerpt = b""  # the status is what counts
    return Answer(response.status, dict(response.headers.items()), excerpt)


def _left(deadline: float) -> float:
    """Return the seconds that are left; a socket without any raises at once."""
    return max(0.001, deadline - time.monotonic())


def _shut(sock: socket.socket) -> None:
    """End a connection under whoever waits on it."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is over already
