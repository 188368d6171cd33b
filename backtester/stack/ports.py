"""TCP ports on the loopback interface."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
        # As servers do: connections of an earlier server in TIME_WAIT do not count as taken.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
    return True


def port_free_find() -> int:
    """Return a port that is free at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
        candidate.bind((HOST, 0))
        port: int = candidate.getsockname()[1]
    return port


def port_keep_or_find(port: int) -> int:
    """Return the port of the last time (0: none) if it is still free, otherwise another one."""
    return port if port and port_is_free(port) else port_free_find()
