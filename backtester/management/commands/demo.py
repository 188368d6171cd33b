"""`manage.py demo`: from nothing to a backtest result, through the public API."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from backtester.demo.client import ApiFailureError, Client
from backtester.demo.tour import quick_tour, whole_tour
from backtester.stack.errors import StackError
from backtester.stack.session import running_stack


class Command(BaseCommand):
    help = (
        "Register a user, draw a strategy, backtest it and show the result, over HTTP and "
        "WebSocket. Starts a stack of its own for that time, unless one runs or is named."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own declaration

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", help="an installation that runs already")
        parser.add_argument(
            "--quick", action="store_true", help="one backtest as the demo account, no more"
        )
        parser.add_argument(
            "--out", type=Path, default=settings.VAR_DIR / "demo", help="folder for the chart"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        console = Console(highlight=False, soft_wrap=True)
        try:
            if options["base_url"]:
                self._tour(console, options["base_url"], options)
                return
            with running_stack(settings.VAR_DIR, emit=console.print) as stack:
                self._tour(console, stack.base_url, options)
                if stack.supervisor is not None:
                    console.print("stopping; `make run` starts it again and keeps serving")
        except (ApiFailureError, StackError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("interrupted", returncode=130) from None

    def _tour(self, console: Console, base_url: str, options: dict[str, Any]) -> None:
        client = Client(base_url)
        if options["quick"]:
            quick_tour(client, console)
        else:
            whole_tour(client, console, folder=options["out"])
