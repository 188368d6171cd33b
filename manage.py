#!/usr/bin/env python
"""Command line of the project: `python manage.py help` lists what it can do."""

from __future__ import annotations

import os
import sys

try:
    from django.core.management import execute_from_command_line
except ImportError as missing:
    raise SystemExit(
        "Django is not installed here: run `make setup`, then `.venv/bin/python manage.py`."
    ) from missing


def main() -> None:
    """Run the command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backtester.settings")
    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough, as in `| head`; Python's own last flush shall not say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
