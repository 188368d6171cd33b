"""What holds for every test: no network but loopback, the same random examples every time."""

from __future__ import annotations

import ipaddress
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# Reproducible and bounded; `HYPOTHESIS_PROFILE=search` looks for new counterexamples.
hypothesis.settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    max_examples=60,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


class NetworkBlocked(AssertionError):
    """A test tried to leave this machine."""


def _is_local(family: int, address: Any) -> bool:
    """Return whether an address is a Unix socket or on the loopback interface."""
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return True
    host = str(address[0])
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.split("%", 1)[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _network_blocked() -> Iterator[None]:
    """Refuse connections to anywhere but this machine, and look-ups of other names."""
    look_up = socket.getaddrinfo

    def getaddrinfo_local(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not _is_local(socket.AF_INET, (name,)):
            raise NetworkBlocked(f"look-up of {name!r}: tests reach loopback only")
        return look_up(host, *args, **kwargs)

    def guard(method: Any) -> Any:
        def guarded(self: socket.socket, *args: Any) -> Any:
            if not _is_local(self.family, args[-1]):
                raise NetworkBlocked(f"connection to {args[-1]!r}: tests reach loopback only")
            return method(self, *args)

        return guarded

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo_local)
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, guard(getattr(socket.socket, name)))
        yield


@pytest.fixture
def eventually():
    """Wait until something is true, for ten seconds at most."""

    def wait(condition, *, seconds=10.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "did not become true"
            time.sleep(0.02)

    return wait
