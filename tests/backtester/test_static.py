"""Static files are served beside the application."""

from __future__ import annotations

import pytest
from asgiref.testing import ApplicationCommunicator

from backtester.static import with_static_files


async def status_of(path):
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    wire = ApplicationCommunicator(with_static_files(None), scope)
    await wire.send_input({"type": "http.request", "body": b""})
    return (await wire.receive_output(5))["status"]


async def test_a_file_of_the_admin_is_found():
    assert await status_of("/static/admin/css/base.css") == 200


@pytest.mark.parametrize("path", ["/static/../manage.py", "/static/none.css", "/static//etc/hosts"])
async def test_what_is_no_static_file_is_404(path):
    assert await status_of(path) == 404
