"""The tests' own guard."""

from __future__ import annotations

import socket

import pytest


def test_a_connection_to_another_machine_is_refused_before_it_is_tried():
    with pytest.raises(AssertionError, match="loopback only"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_a_look_up_of_a_foreign_name_is_refused():
    with pytest.raises(AssertionError, match="loopback only"):
        socket.getaddrinfo("example.com", 80)


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
