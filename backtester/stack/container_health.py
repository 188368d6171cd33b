"""Container health check, run as a script: the web server answers under a host it serves."""

from __future__ import annotations

import http.client
import os
import sys


def main() -> None:
    """End with code 0 if the health page answers."""
    host = os.environ["ALLOWED_HOSTS"].split(",")[0].strip().lstrip(".")
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    connection.request("GET", "/healthz", headers={"Host": host})
    sys.exit(connection.getresponse().status != http.client.OK)


if __name__ == "__main__":
    main()
